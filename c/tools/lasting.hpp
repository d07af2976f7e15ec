/*
 * Where durable queues are kept: what the command remembers, so that their names are enough after a reboot too.
 */
#ifndef CQ_TOOL_LASTING_HPP
#define CQ_TOOL_LASTING_HPP

#include <string>

#include "queue.hpp"

namespace tool {

/* The directory of a queue that is kept in `directory`. */
std::string lasting_in(const std::string &directory, const std::string &name);

/* Is this the directory of a durable queue? */
bool is_lasting(const std::string &directory);

/* Nothing is in memory for long here: a file system on a disk, as far as is known. */
bool is_on_disk(const std::string &directory);

/*
 * For a durable queue that is to be made: its region is in the platform's shared memory; it is kept in `directory`, or,
 * if that is empty, in the one that `asked` names, which is on a disk. Throws Failure if it is not.
 */
Place to_be_lasting(const Place &asked, const std::string &directory);

/* Remove the directory of a queue, and what the library has put there. Throws Failure. */
void remove_lasting(const std::string &name, const std::string &directory);

/* Remember where a queue is kept, until it is forgotten. Failures are of no consequence: then --directory is needed. */
void remember_lasting(const std::string &name, const std::string &directory);
void forget_lasting(const std::string &name);
std::string remembered_lasting(const std::string &name); /* empty: nowhere that is known */

/*
 * Which queue is meant. `place` as it is, unless there is no such region but a directory that keeps one: in the
 * directory that it names, or where the command remembers. Then the region is in the platform's shared memory, and is
 * made anew if need be.
 */
Place with_lasting(const Place &place);

} // namespace tool

#endif
