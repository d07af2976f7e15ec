/*
 * Files that appear whole or not at all: whoever reads one meanwhile, or after a crash, sees the old one or the new.
 */
#ifndef CQ_TOOL_FILES_HPP
#define CQ_TOOL_FILES_HPP

#include <string>
#include <string_view>

namespace tool {

class NewFile {
public:
    explicit NewFile(const std::string &path); /* throws Failure, as all of these */
    ~NewFile();                                /* without publish nothing is left */
    NewFile(const NewFile &) = delete;
    NewFile &operator=(const NewFile &) = delete;

    void write(std::string_view bytes);
    void publish(); /* safe on the disk, and then in place */

private:
    [[noreturn]] void fail(const char *what) const;

    std::string path_;
    std::string draft_;
    int descriptor_;
};

/* Standard output, a FIFO and the like are written to directly. */
void write_file(const std::string &path, std::string_view bytes);

} // namespace tool

#endif
