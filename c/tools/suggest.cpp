#include "suggest.hpp"

#include <algorithm>

namespace tool {

namespace {

/* Letters that are missing, too many, wrong, or in the wrong order. */
std::size_t distance(const std::string &a, const std::string &b)
{
    std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            const std::size_t wrong = a[i - 1] != b[j - 1] ? 1 : 0;
            cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + wrong});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[a.size()][b.size()];
}

/* What other tools call it. */
const char *synonym(const std::string &word)
{
    static constexpr const char *words[][2] = {
        {"list", "ls"},     {"delete", "rm"},   {"del", "rm"},      {"remove", "rm"},   {"unlink", "rm"},
        {"make", "create"}, {"new", "create"},  {"add", "put"},     {"push", "put"},    {"send", "put"},
        {"publish", "put"}, {"enqueue", "put"}, {"pop", "get"},     {"receive", "get"}, {"take", "get"},
        {"dequeue", "get"}, {"consume", "get"}, {"sub", "get"},     {"info", "stat"},   {"stats", "stat"},
        {"status", "stat"}, {"show", "stat"},   {"monitor", "top"}, {"watch", "top"},   {"clear", "purge"},
        {"empty", "purge"}, {"flush", "purge"}, {"drain", "purge"}, {"mv", "move"},     {"cp", "copy"},
        {"dump", "backup"}, {"save", "backup"}, {"load", "restore"}, {"run", "work"},   {"exec", "work"},
        {"health", "check"}, {"metrics", "export"}, {"cat", "peek"}, {"grow", "resize"},
    };
    for (const auto &pair : words)
        if (word == pair[0])
            return pair[1];
    return nullptr;
}

} // namespace

std::string suggestion(const std::string &word, const std::vector<std::string> &words)
{
    std::string best;
    std::size_t least = word.size() < 4 ? 2 : 3; /* from this on it is another word */
    for (const std::string &candidate : words) {
        const std::size_t cost = distance(word, candidate);
        if (cost < least && cost < candidate.size()) {
            least = cost;
            best = candidate;
        }
    }
    if (const char *same = synonym(word); same && std::find(words.begin(), words.end(), same) != words.end())
        best = same;
    for (const std::string &candidate : words)
        if (best.empty() && word.size() >= 3 && candidate.rfind(word, 0) == 0)
            best = candidate;
    return best.empty() ? "" : "; did you mean `" + best + "`?";
}

} // namespace tool
