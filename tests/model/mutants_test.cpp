// For each mutant of mutants.txt: a copy of the core with one rule taken away is built, and the tests of that rule must fail.
//
// A mutant that does not apply, does not compile, or survives is a failure of this test.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/wait.h>

namespace {

namespace fs = std::filesystem;

struct Place {
    std::vector<std::string> lines, instead;
};

struct Mutant {
    std::string name, file, tests;
    std::vector<Place> places;
};

std::string trim(const std::string &line)
{
    const auto first = line.find_first_not_of(" \t");
    return first == std::string::npos ? "" : line.substr(first, line.find_last_not_of(" \t\r") + 1 - first);
}

std::vector<std::string> read_lines(const fs::path &path)
{
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);)
        lines.push_back(line);
    return lines;
}

std::vector<Mutant> read_mutants()
{
    std::vector<Mutant> mutants;
    for (const std::string &line : read_lines(CQ_MODEL_MUTANTS)) {
        const std::string in = ", in ", caught = ", caught by ";
        if (line.rfind("mutant ", 0) == 0) {
            const auto a = line.find(in), b = line.find(caught);
            mutants.push_back({line.substr(7, a - 7), line.substr(a + in.size(), b - a - in.size()),
                               line.substr(b + caught.size()), {}});
        } else if (!mutants.empty() && line[0] == '-') {
            auto &places = mutants.back().places;
            if (places.empty() || !places.back().instead.empty())
                places.emplace_back();
            places.back().lines.push_back(trim(line.substr(1)));
        } else if (!mutants.empty() && line[0] == '+')
            mutants.back().places.back().instead.push_back(line.substr(1));
    }
    return mutants;
}

// The last line of a place may be the beginning of a line.
bool stands_at(const std::vector<std::string> &lines, std::size_t at, const Place &place)
{
    for (std::size_t i = 0; i < place.lines.size(); ++i)
        if (at + i >= lines.size() || trim(lines[at + i]).rfind(place.lines[i], 0) != 0)
            return false;
    return true;
}

::testing::AssertionResult apply(std::vector<std::string> &lines, const Place &place)
{
    std::vector<std::size_t> found;
    for (std::size_t at = 0; at < lines.size(); ++at)
        if (stands_at(lines, at, place))
            found.push_back(at);
    if (found.size() != 1)
        return ::testing::AssertionFailure() << found.size() << " places like: " << place.lines[0];
    // What follows in the last line stays.
    const std::size_t last = found[0] + place.lines.size() - 1;
    const std::string rest = trim(lines[last]).substr(place.lines.back().size());
    const auto begin = lines.begin() + static_cast<std::ptrdiff_t>(found[0]);
    const auto next = lines.erase(begin, begin + static_cast<std::ptrdiff_t>(place.lines.size()));
    std::vector<std::string> instead = place.instead;
    instead.back() += rest;
    lines.insert(next, instead.begin(), instead.end());
    return ::testing::AssertionSuccess();
}

int run(const std::string &command)
{
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

std::string contents(const fs::path &path)
{
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

void PrintTo(const Mutant &mutant, std::ostream *out) { *out << mutant.name << " in " << mutant.file; }

class Mutants : public ::testing::TestWithParam<Mutant> {};

} // namespace

TEST_P(Mutants, is_caught)
{
    const Mutant &mutant = GetParam();
    const fs::path folder = fs::path(CQ_MODEL_BUILD) / mutant.name;
    const std::string in_folder = "cd '" + folder.string() + "' && ";

    fs::remove_all(folder);
    fs::create_directories(folder);
    std::vector<std::string> lines = read_lines(fs::path(CQ_MODEL_CORE) / mutant.file);
    ASSERT_FALSE(lines.empty()) << mutant.file;
    ASSERT_FALSE(mutant.places.empty());
    for (const Place &place : mutant.places)
        ASSERT_TRUE(apply(lines, place));
    std::ofstream copy(folder / mutant.file);
    for (const std::string &line : lines)
        copy << line << '\n';
    copy.close();

    ASSERT_EQ(run(in_folder + "sh '" CQ_MODEL_SCRIPT "' '" + mutant.file + "' >log 2>&1"), 0) << contents(folder / "log");
    const int result = run(in_folder + "timeout 400 ./mutant --gtest_brief=1 --gtest_fail_fast --gtest_filter='" + mutant.tests + "' >log 2>&1");
    // A crash is noticed as a failure is; 124 is that nothing came of it in all the time.
    EXPECT_TRUE(result == 1 || result == 134 || result == 139) << result << ": " << mutant.name << " survives " << mutant.tests << "\n" << contents(folder / "log").substr(0, 4000);
    if (!HasFailure())
        fs::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(Core, Mutants, ::testing::ValuesIn(read_mutants()),
                         [](const ::testing::TestParamInfo<Mutant> &info) { return info.param.name; });
