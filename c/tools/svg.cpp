/*
 * The picture: charts as SVG, without a library, because a line is a list of points in it. It knows no files.
 */
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "plot.hpp"
#include "units.hpp"

namespace tool {

namespace {

constexpr double width = 720, left = 64, right = 96, chart_height = 130, gap = 46;
constexpr const char *blue = "#1f6feb", *green = "#2da44e", *orange = "#bc4c00";

std::string number(double value)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", value);
    return text;
}

/* The smallest of 1, 2 and 5 times a power of ten that is not below. */
double round_up(double value)
{
    double step = 1;
    while (step * 10 <= value)
        step *= 10;
    for (const double factor : {1.0, 2.0, 5.0, 10.0})
        if (step * factor >= value)
            return step * factor;
    return step * 10;
}

class Chart {
public:
    Chart(std::string &out, double top, double begin, double end, double highest)
        : out_(out), top_(top), begin_(begin), span_(std::max(end - begin, 1e-3)), highest_(round_up(highest))
    {
        for (int i = 0; i <= 2; ++i) {
            const double value = highest_ * i / 2;
            out_ += "<path d=\"M" + number(left) + " " + number(y(value)) + "H" + number(width - right) +
                    "\" stroke=\"#d0d7de\"/>\n";
            text(left - 6, y(value) + 4, "end", "#57606a", format_short(value));
        }
    }

    void text(double x, double y, const char *anchor, const char *colour, const std::string &words)
    {
        out_ += "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\" fill=\"" +
                colour + "\">" + words + "</text>\n";
    }

    void line(const std::vector<Point> &points, double Point::*value, const char *colour)
    {
        std::string list;
        for (const Point &point : points)
            if (point.*value >= 0)
                list += number(x(point.time)) + "," + number(y(point.*value)) + " ";
        out_ += "<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"" + std::string(colour) + "\" points=\"" + list +
                "\"/>\n";
    }

    void times()
    {
        for (int i = 0; i <= 4; ++i) {
            const double seconds = span_ * i / 4;
            text(x(begin_ + seconds), top_ + chart_height + 16, "middle", "#57606a",
                 span_ < 10 ? number(seconds) + " s" : std::to_string(std::lround(seconds)) + " s");
        }
    }

private:
    double x(double time) const { return left + (width - left - right) * (time - begin_) / span_; }
    double y(double value) const { return top_ + chart_height * (1 - value / highest_); }

    std::string &out_;
    double top_, begin_, span_, highest_;
};

double most(const std::vector<Point> &points, double Point::*value)
{
    double most = 1;
    for (const Point &point : points)
        most = std::max(most, point.*value);
    return most;
}

/* The name comes from a file of CSV, which may be anybody's. */
std::string escape(const std::string &text)
{
    std::string out;
    for (const char c : text) {
        if (c == '<' || c == '>' || c == '&' || c == '"')
            out += "&#" + std::to_string(c) + ";";
        else
            out += c < ' ' && c >= 0 ? '?' : c;
    }
    return out;
}

} // namespace

std::string svg(const std::map<std::string, Series> &queues)
{
    const double each = 2 * (chart_height + gap) + 10;
    const double height = each * static_cast<double>(queues.size()) + 10;
    std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + number(width) + "\" height=\"" +
                      number(height) + "\" font-family=\"sans-serif\" font-size=\"12\">\n"
                      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
    double top = 34;
    for (const auto &[name, series] : queues) {
        const std::vector<Point> &points = series.points;
        const double begin = points.empty() ? 0 : points.front().time;
        const double end = points.empty() ? 1 : points.back().time;
        Chart length(out, top, begin, end, most(points, &Point::length));
        length.text(left, top - 12, "start", "#24292f",
                    escape(name) + ": messages waiting, of " + format_short(series.capacity));
        length.line(points, &Point::length, blue);
        Chart rates(out, top + chart_height + gap, begin, end,
                    std::max(most(points, &Point::in), most(points, &Point::out)));
        const double middle = top + chart_height + gap;
        rates.text(left, middle - 12, "start", "#24292f", "messages a second");
        rates.text(width - right + 8, middle + 12, "start", green, "in");
        rates.text(width - right + 8, middle + 28, "start", orange, "out");
        rates.line(points, &Point::in, green);
        rates.line(points, &Point::out, orange);
        rates.times();
        top += each;
    }
    return out + "</svg>\n";
}

} // namespace tool
