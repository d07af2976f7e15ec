#include "terminal.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "failure.hpp"

namespace tool {

namespace {

bool is_set(const char *variable)
{
    const char *value = std::getenv(variable);
    return value && *value;
}

bool speaks_utf8()
{
    for (const char *variable : {"LC_ALL", "LC_CTYPE", "LANG"})
        if (is_set(variable)) {
            const std::string value = std::getenv(variable);
            return value.find("UTF-8") != std::string::npos || value.find("utf8") != std::string::npos;
        }
    return false;
}

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }

const char *code_of(Look look, bool colour)
{
    switch (look) {
    case Look::plain: return "";
    case Look::dim: return "\033[2m";
    case Look::bold: return "\033[1m";
    case Look::reversed: return "\033[7m";
    case Look::good: return colour ? "\033[32m" : "";
    case Look::warning: return colour ? "\033[33m" : "\033[1m";
    case Look::bad: return colour ? "\033[31m" : "\033[1m";
    }
    return "";
}

} // namespace

std::size_t columns_of(const std::string &text)
{
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

std::string cut(const std::string &text, std::size_t columns)
{
    std::size_t end = 0;
    for (std::size_t seen = 0; end < text.size(); ++end)
        if (begins_character(text[end]) && seen++ == columns)
            break;
    return text.substr(0, end);
}

std::string to_left(const std::string &text, std::size_t columns)
{
    const std::size_t used = columns_of(text);
    return used > columns ? cut(text, columns) : text + std::string(columns - used, ' ');
}

std::string to_right(const std::string &text, std::size_t columns)
{
    const std::size_t used = columns_of(text);
    return used > columns ? cut(text, columns) : std::string(columns - used, ' ') + text;
}

bool Terminal::is_there()
{
    const char *kind = std::getenv("TERM");
    return ::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO) && kind && *kind && std::strcmp(kind, "dumb") != 0;
}

Terminal::Terminal(const Interrupts &interrupts)
    : interrupts_(interrupts), colour_(!is_set("NO_COLOR")), utf8_(speaks_utf8())
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGTSTP);
    signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals_ < 0 || ::tcgetattr(STDIN_FILENO, &before_) != 0)
        throw Failure(std::string("cannot use the terminal: ") + std::strerror(errno));
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    enter();
}

Terminal::~Terminal()
{
    leave();
    ::close(signals_);
}

void Terminal::enter()
{
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    write("\033[?1049h\033[?25l");
    measure();
}

void Terminal::leave()
{
    write("\033[?25h\033[?1049l");
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

void Terminal::measure()
{
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        width_ = std::min<int>(size.ws_col, most_);
        height_ = std::min<int>(size.ws_row, most_);
    }
}

/* A terminal that is gone is noticed by SIGHUP. */
void Terminal::write(const std::string &bytes)
{
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t written = ::write(STDOUT_FILENO, bytes.data() + done, bytes.size() - done);
        if (written < 0 && errno != EINTR)
            return;
        done += written > 0 ? static_cast<std::size_t>(written) : 0;
    }
}

/* From the top left corner on; each line to its end, then what is below. Nothing is cleared first: no flicker. */
void Terminal::show(const std::vector<Line> &lines)
{
    std::string out = "\033[H";
    for (std::size_t row = 0; row < lines.size() && row < static_cast<std::size_t>(height_); ++row) {
        std::size_t left = static_cast<std::size_t>(width_);
        if (row > 0)
            out += "\r\n";
        for (const Piece &piece : lines[row]) {
            const std::string text = cut(piece.text, left);
            const std::string code = code_of(piece.look, colour_);
            left -= columns_of(text);
            out += code + text + (code.empty() ? "" : "\033[0m");
        }
        out += left > 0 ? "\033[K" : "";
    }
    write(out + "\033[J");
}

/* The window changed; or Ctrl-Z: the terminal is given back first. */
void Terminal::handle_signal()
{
    signalfd_siginfo info;
    while (::read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        if (info.ssi_signo != SIGTSTP)
            continue;
        leave();
        ::raise(SIGSTOP);
        enter();
    }
    measure();
}

Press Terminal::wait(std::int64_t nanoseconds)
{
    if (!typed_.empty())
        return parse();
    pollfd wanted[] = {{interrupts_.descriptor(), POLLIN, 0}, {signals_, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    const int milliseconds = static_cast<int>(std::min<std::int64_t>(nanoseconds / 1'000'000 + 1, 1'000'000'000));
    if (::poll(wanted, 3, milliseconds) <= 0)
        return {};
    if (wanted[0].revents)
        interrupts_.check();
    if (wanted[1].revents) {
        handle_signal();
        return {Key::resized, 0};
    }
    char bytes[64];
    const ssize_t got = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (got == 0 || (got < 0 && errno == EIO))
        throw Interrupted{SIGHUP};
    if (got < 0)
        return {};
    typed_.assign(bytes, static_cast<std::size_t>(got));
    return parse();
}

Press Terminal::parse()
{
    static const struct {
        const char *bytes;
        Key key;
    } sequences[] = {
        {"\033[A", Key::up},        {"\033[B", Key::down},   {"\033OA", Key::up},    {"\033OB", Key::down},
        {"\033[5~", Key::page_up},  {"\033[6~", Key::page_down}, {"\033[H", Key::home}, {"\033[F", Key::end},
        {"\033[1~", Key::home},     {"\033[4~", Key::end},   {"\033OH", Key::home},  {"\033OF", Key::end},
        {"\r", Key::enter},         {"\n", Key::enter},      {"\177", Key::back},    {"\b", Key::back},
    };
    for (const auto &sequence : sequences)
        if (typed_.rfind(sequence.bytes, 0) == 0) {
            typed_.erase(0, std::strlen(sequence.bytes));
            return {sequence.key, 0};
        }
    if (typed_[0] == '\033') {
        const bool alone = typed_.size() == 1;
        typed_.clear(); /* a key that nobody knows */
        return {alone ? Key::escape : Key::none, 0};
    }
    const char character = typed_[0];
    typed_.erase(0, 1);
    return {Key::character, character};
}

} // namespace tool
