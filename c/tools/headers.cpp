#include "headers.hpp"

#include <nlohmann/json.hpp>

#include "base64.hpp"
#include "units.hpp"

namespace tool {

namespace {

constexpr std::size_t longest_key = 255, longest_value = 65535, lengths = 3;

bool is_text(std::string_view bytes)
{
    try {
        nlohmann::json(bytes).dump();
        return true;
    } catch (const nlohmann::json::type_error &) {
        return false;
    }
}

} // namespace

std::string_view headers_of(cq_queue *queue, const cq_message &message)
{
    cq_slice headers{};
    if (cq_headers(queue, &message, &headers) != CQ_OK)
        return {};
    return {static_cast<const char *>(headers.data), headers.size};
}

bool add_header(std::string &headers, const std::string &key, std::string_view value, std::string &fault)
{
    cq_slice there{};
    std::size_t size = headers.size();
    if (key.empty() || key.size() > longest_key || key.find('\0') != std::string::npos || !is_text(key))
        fault = "a header's key is 1 to 255 bytes of text";
    else if (value.size() > longest_value)
        fault = "the header \"" + key + "\" is longer than 65535 bytes";
    else if (cq_header_find(headers.data(), size, key.c_str(), &there) == CQ_OK)
        fault = "the header \"" + key + "\" is there twice";
    else {
        headers.resize(size + lengths + key.size() + value.size());
        if (cq_header_add(headers.data(), headers.size(), &size, key.c_str(), value.data(), value.size()) != CQ_OK)
            fault = "the header \"" + key + "\" is not well formed";
        headers.resize(size);
    }
    return fault.empty();
}

nlohmann::ordered_json headers_to_json(std::string_view headers)
{
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    std::size_t offset = 0;
    cq_header header;
    while (cq_header_next(headers.data(), headers.size(), &offset, &header) == CQ_OK) {
        const std::string_view value(static_cast<const char *>(header.value), header.value_size);
        nlohmann::ordered_json &field = object[std::string(header.key, header.key_size)];
        if (is_text(value)) {
            field = value;
        } else {
            std::string encoded;
            base64_encode(value, encoded);
            field = {{"base64", encoded}};
        }
    }
    return object;
}

bool headers_of_json(const nlohmann::ordered_json &object, std::string &headers, std::string &fault)
{
    headers.clear();
    if (!object.is_object())
        fault = "has \"headers\" that are no object";
    for (const auto &[key, field] : object.items()) {
        if (!fault.empty())
            break;
        const bool encoded = field.is_object() && field.size() == 1 && field.contains("base64");
        const nlohmann::ordered_json &text = encoded ? field["base64"] : field;
        if (!text.is_string()) {
            fault = "has a header \"" + key + "\" that is no string";
            break;
        }
        std::string value = text.get<std::string>(), why;
        std::size_t size = value.size();
        if (encoded && !base64_decode(value.data(), value.size(), &size))
            fault = "has a header \"" + key + "\" that is not base64";
        else if (!add_header(headers, key, std::string_view(value).substr(0, size), why))
            fault = "has a fault: " + why;
    }
    return fault.empty();
}

std::string headers_refused(std::uint64_t most, std::size_t size)
{
    return (most == 0 ? std::string("it takes no headers")
                      : "it takes at most " + format_count(most, "byte") + " of headers") +
           ", and this message has " + format_count(size, "byte") + " of them: create it with --max-headers " +
           std::to_string(size) + " or more, or leave them out with --without-headers";
}

} // namespace tool
