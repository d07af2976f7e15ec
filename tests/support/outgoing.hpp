/* Messages with more than bytes: what a test enqueues with headers, or from a source. */
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "queue.hpp"

namespace cqtest {

/* Valid as long as what it was made of. */
inline cq_outgoing outgoing(std::string_view text, std::string_view headers = {})
{
    cq_outgoing message{};
    message.struct_size = sizeof message;
    message.data = text.data();
    message.size = text.size();
    message.headers = headers.data();
    message.headers_size = headers.size();
    return message;
}

inline int feed(const Handle &queue, std::string_view text, const std::string &source, uint64_t number)
{
    const cq_outgoing message = outgoing(text);
    return cq_enqueue_from(queue, &message, source.c_str(), number);
}

inline uint64_t number_of(const Handle &queue, const char *source)
{
    uint64_t number = 0;
    const int result = cq_source(queue, source, &number);
    if (result != CQ_OK)
        throw Failure("cq_source", result);
    return number;
}

using Map = std::map<std::string, std::string>;

/* As cq_header_add writes them. */
inline std::string headers_of(const Map &map)
{
    std::string headers(65535, '\0');
    size_t size = 0;
    for (const auto &[key, value] : map) {
        const int result = cq_header_add(headers.data(), headers.size(), &size, key.c_str(), value.data(), value.size());
        if (result != CQ_OK)
            throw Failure("cq_header_add", result);
    }
    headers.resize(size);
    return headers;
}

inline Map map_of(const cq_slice &headers)
{
    Map map;
    size_t offset = 0;
    cq_header header;
    int result;
    while ((result = cq_header_next(headers.data, headers.size, &offset, &header)) == CQ_OK)
        map.emplace(std::string(header.key, header.key_size),
                    std::string(static_cast<const char *>(header.value), header.value_size));
    if (result != CQ_EMPTY)
        throw Failure("cq_header_next", result);
    return map;
}

inline Map map_of(const Handle &queue, const cq_message &message)
{
    cq_slice headers{};
    const int result = cq_headers(queue, &message, &headers);
    if (result != CQ_OK)
        throw Failure("cq_headers", result);
    return map_of(headers);
}

} // namespace cqtest
