/*
 * Headers as people write and read them: KEY=VALUE, and an object of JSON. The bytes are the library's.
 */
#ifndef CQ_TOOL_HEADERS_HPP
#define CQ_TOOL_HEADERS_HPP

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "cqueue.h"

namespace tool {

/* Of a message of this queue; none if the queue has no headers. */
std::string_view headers_of(cq_queue *queue, const cq_message &message);

/* False: `fault` says why the header cannot be added. */
bool add_header(std::string &headers, const std::string &key, std::string_view value, std::string &fault);

/* {"key":"value"}; a value that is not UTF-8 is {"base64":"..."}. */
nlohmann::ordered_json headers_to_json(std::string_view headers);
bool headers_of_json(const nlohmann::ordered_json &object, std::string &headers, std::string &fault);

/* Why a queue that takes at most `most` bytes of headers cannot take a message that has `size`. */
std::string headers_refused(std::uint64_t most, std::size_t size);

} // namespace tool

#endif
