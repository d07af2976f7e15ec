/*
 * A terminal that shows screens: keys without Enter, the size, and the way back to how it was, whatever ends this
 * process. It knows escape sequences, and nothing of what is shown.
 */
#ifndef CQ_TOOL_TERMINAL_HPP
#define CQ_TOOL_TERMINAL_HPP

#include <cstdint>
#include <string>
#include <vector>

#include <termios.h>

#include "streams.hpp"

namespace tool {

enum class Key { none, character, up, down, page_up, page_down, home, end, enter, back, escape, resized };

struct Press {
    Key key = Key::none;
    char character = 0;
};

enum class Look { plain, dim, bold, reversed, good, warning, bad };

struct Piece {
    std::string text;
    Look look = Look::plain;
};
using Line = std::vector<Piece>;

/* How many columns a text takes; it may have characters beyond ASCII, each one column wide. */
std::size_t columns_of(const std::string &text);
std::string cut(const std::string &text, std::size_t columns);
std::string to_left(const std::string &text, std::size_t columns);  /* filled up behind, or cut */
std::string to_right(const std::string &text, std::size_t columns); /* filled up before, or cut */

class Terminal {
public:
    /* Can screens be shown here? Both ends must be a terminal, and one that understands. */
    static bool is_there();

    explicit Terminal(const Interrupts &interrupts);
    ~Terminal();
    Terminal(const Terminal &) = delete;
    Terminal &operator=(const Terminal &) = delete;

    int width() const { return width_; }
    int height() const { return height_; }
    bool has_blocks() const { return utf8_; } /* can it show characters beyond ASCII? */

    void show(const std::vector<Line> &lines);

    /* What was pressed first, Key::none after that time. Throws Interrupted. */
    Press wait(std::int64_t nanoseconds);

private:
    void enter();
    void leave();
    void measure();
    void write(const std::string &bytes);
    Press parse();
    void handle_signal();

    const Interrupts &interrupts_;
    int signals_; /* readable: the window changed, or the process is to be stopped */
    termios before_{};
    std::string typed_; /* and not handed out yet */
    static constexpr int most_ = 1000; // what calls itself larger is no terminal that anybody sees
    int width_ = 80, height_ = 24;
    bool colour_, utf8_;
};

} // namespace tool

#endif
