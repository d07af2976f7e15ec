#include "http.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iostream>
#include <memory>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "failure.hpp"

namespace tool {

namespace {

constexpr std::size_t longest_head = 16384;
constexpr std::chrono::seconds patience{2}; /* with one connection; the others wait meanwhile */

struct Endpoint {
    std::string host, port;
};

Endpoint parse_address(const std::string &text)
{
    const std::size_t colon = text.rfind(':');
    Endpoint endpoint;
    if (colon != std::string::npos) {
        endpoint = {text.substr(0, colon), text.substr(colon + 1)};
        if (endpoint.host.size() > 1 && endpoint.host.front() == '[' && endpoint.host.back() == ']')
            endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
    }
    const bool number = !endpoint.port.empty() && endpoint.port.size() <= 5 &&
                        endpoint.port.find_first_not_of("0123456789") == std::string::npos;
    if (endpoint.host.empty() || !number || std::stoul(endpoint.port) > 65535)
        throw Failure("--listen: \"" + text + "\" is not an address and a port; write 127.0.0.1:9717", exit_usage);
    return endpoint;
}

int listen_at(const std::string &text)
{
    const Endpoint endpoint = parse_address(text);
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo *found = nullptr;
    if (const int error = ::getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &wanted, &found))
        throw Failure("--listen: " + endpoint.host + ": " + ::gai_strerror(error));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> release(found, ::freeaddrinfo);
    const int listener = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int yes = 1;
    if (listener < 0 || ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        ::bind(listener, found->ai_addr, found->ai_addrlen) != 0 || ::listen(listener, 64) != 0)
        throw Failure("cannot listen at " + text + ": " + std::strerror(errno));
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (::getsockname(listener, reinterpret_cast<sockaddr *>(&bound), &size) == 0 &&
        ::getnameinfo(reinterpret_cast<sockaddr *>(&bound), size, host, sizeof host, port, sizeof port,
                      NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        std::cout << "http://" << (bound.ss_family == AF_INET6 ? "[" + std::string(host) + "]" : host) << ":" << port
                  << "/metrics" << std::endl;
    return listener;
}

class Connection {
public:
    Connection(int socket, const Interrupts &interrupts) : socket_(socket), interrupts_(interrupts) {}
    ~Connection() { ::close(socket_); }
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;

    /* Empty if it takes too long, or too much. */
    std::string head()
    {
        std::string text;
        char bytes[2048];
        while (text.find("\r\n\r\n") == std::string::npos && text.find("\n\n") == std::string::npos) {
            if (text.size() > longest_head || !ready(POLLIN))
                return "";
            const ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
            if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
                return "";
            text.append(bytes, got > 0 ? static_cast<std::size_t>(got) : 0);
        }
        return text;
    }

    void send(std::string_view bytes)
    {
        while (!bytes.empty() && ready(POLLOUT)) {
            const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno != EINTR && errno != EAGAIN)
                return;
            bytes.remove_prefix(sent > 0 ? static_cast<std::size_t>(sent) : 0);
        }
        ::shutdown(socket_, SHUT_WR);
    }

private:
    bool ready(short events)
    {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now());
        pollfd wanted[] = {{interrupts_.descriptor(), POLLIN, 0}, {socket_, events, 0}};
        if (left.count() <= 0 || ::poll(wanted, 2, static_cast<int>(left.count())) <= 0)
            return false;
        interrupts_.check();
        return wanted[1].revents != 0;
    }

    int socket_;
    const Interrupts &interrupts_;
    const std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + patience;
};

Request parse(const std::string &head)
{
    Request request;
    const std::size_t first = head.find(' '), second = head.find(' ', first + 1);
    if (first == std::string::npos || second == std::string::npos || second > head.find('\n'))
        return request;
    request.method = head.substr(0, first);
    request.path = head.substr(first + 1, second - first - 1);
    std::string lower = head;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    if (const std::size_t accept = lower.find("\naccept:"); accept != std::string::npos)
        request.accept = lower.substr(accept + 8, lower.find('\n', accept + 1) - accept - 8);
    return request;
}

const char *reason(int status)
{
    return status == 200 ? "OK" : status == 404 ? "Not Found" : status == 405 ? "Method Not Allowed"
           : status == 400 ? "Bad Request" : "Internal Server Error";
}

Response guarded(const std::function<Response(const Request &)> &answer, const Request &request)
{
    if (request.method.empty())
        return {400, "text/plain", "That is no request.\n"};
    try {
        return answer(request);
    } catch (const Failure &failure) {
        return {500, "text/plain", std::string(failure.what()) + "\n"};
    }
}

} // namespace

void serve(const std::string &address, const Interrupts &interrupts,
           const std::function<Response(const Request &)> &answer)
{
    const int listener = listen_at(address);
    for (;;) {
        pollfd wanted[] = {{interrupts.descriptor(), POLLIN, 0}, {listener, POLLIN, 0}};
        ::poll(wanted, 2, -1);
        interrupts.check();
        const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (socket < 0)
            continue;
        Connection connection(socket, interrupts);
        const std::string head = connection.head();
        if (head.empty())
            continue;
        const Request request = parse(head);
        const Response response = guarded(answer, request);
        connection.send("HTTP/1.1 " + std::to_string(response.status) + " " + reason(response.status) +
                        "\r\nContent-Type: " + response.type +
                        "\r\nContent-Length: " + std::to_string(response.body.size()) +
                        "\r\nConnection: close\r\n\r\n" + (request.method == "HEAD" ? "" : response.body));
    }
}

} // namespace tool
