#include "format.hpp"

#include <string_view>

#include <nlohmann/json.hpp>

#include "base64.hpp"
#include "headers.hpp"

namespace tool {

namespace {

std::string to_json(const cq_message &message, std::string_view payload, std::string_view headers,
                    const std::string &queue)
{
    nlohmann::ordered_json object;
    if (!queue.empty())
        object["queue"] = queue;
    object["position"] = message.position;
    object["deliveries"] = message.deliveries;
    object["size"] = message.size;
    if (!headers.empty())
        object["headers"] = headers_to_json(headers);
    object["text"] = payload;
    try {
        return object.dump();
    } catch (const nlohmann::json::type_error &) {
        /* Not UTF-8, and JSON has nothing else. */
        std::string encoded;
        base64_encode(payload, encoded);
        object.erase("text");
        object["base64"] = encoded;
        return object.dump();
    }
}

} // namespace

void MessageFormat::append(std::string &out, cq_queue *from, const cq_message &message) const
{
    const std::string_view payload(static_cast<const char *>(message.data), message.size);
    if (json) {
        out += to_json(message, payload, headers_of(from, message), queue);
        out += '\n';
        return;
    }
    if (meta) {
        out += std::to_string(message.position);
        out += '\t';
        out += std::to_string(message.deliveries);
        out += '\t';
    }
    if (headers) {
        out += headers_to_json(headers_of(from, message)).dump();
        out += '\t';
    }
    if (base64)
        base64_encode(payload, out);
    else
        out += payload;
    if (!raw)
        out += null ? '\0' : '\n';
}

bool message_of_json(std::string_view line, std::string &message, std::string &headers, std::string &fault)
{
    const nlohmann::ordered_json object = nlohmann::ordered_json::parse(line, nullptr, false);
    if (!object.is_object()) {
        fault = object.is_discarded() ? "is not JSON" : "is JSON, but no object";
        return false;
    }
    const auto text = object.find("text"), base64 = object.find("base64");
    if ((text == object.end()) == (base64 == object.end())) {
        fault = text == object.end() ? "has neither \"text\" nor \"base64\"" : "has both \"text\" and \"base64\"";
        return false;
    }
    const bool encoded = text == object.end();
    const nlohmann::ordered_json &value = encoded ? *base64 : *text;
    if (!value.is_string()) {
        fault = std::string("has a \"") + (encoded ? "base64" : "text") + "\" that is no string";
        return false;
    }
    message = value.get<std::string>();
    std::size_t size = message.size();
    if (encoded && !base64_decode(message.data(), message.size(), &size)) {
        fault = "has a \"base64\" that is not base64";
        return false;
    }
    message.resize(size);
    headers.clear();
    const auto map = object.find("headers");
    return map == object.end() || headers_of_json(*map, headers, fault);
}

void add_format(CLI::App &app, MessageFormat &format)
{
    auto *null = app.add_flag("-0,--null", format.null, "End each message with a NUL, not a newline");
    auto *base64 = app.add_flag("--base64", format.base64, "Print each message as a line of base64");
    auto *raw = app.add_flag("--raw", format.raw, "Print the bytes of the messages and nothing else");
    auto *json = app.add_flag("--json", format.json, "Print each message as a line of JSON");
    auto *meta = app.add_flag("--meta", format.meta, "Print position, tab, deliveries, tab before each message");
    auto *headers = app.add_flag("--headers", format.headers, "Print the headers as JSON, tab before each message");
    null->excludes(base64)->excludes(raw)->excludes(json);
    base64->excludes(raw)->excludes(json);
    raw->excludes(json)->excludes(meta)->excludes(headers);
    json->excludes(meta)->excludes(headers);
}

const char *const format_help =
    "A message is printed as it is, and a newline behind it. If messages may contain\n"
    "newlines, use --null, --base64 or --json. A line of JSON has position,\n"
    "deliveries, size, headers if it has any, and text, or base64 in place of text if\n"
    "the message is not UTF-8. The position identifies a message; deliveries is 1 the first time it is\n"
    "delivered, 2 the second.";

} // namespace tool
