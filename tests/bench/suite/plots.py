"""The results as pictures, each in SVG and PNG."""

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt

from figures import Table
from workloads import ALL, PERCENTILES

OURS, GROUND, INK = "#0969da", "#f7f8fa", "#24292f"
OTHERS = [c for i, c in enumerate(matplotlib.colormaps["tab20"].colors) if i != 0]
MARKS = "osv^D<>Pp*hXd"

# Text is drawn as paths and the ground is part of the picture: the same on every system, light or dark.
matplotlib.rcParams.update(
    {
        "svg.hashsalt": "cqueue",
        "text.color": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "font.size": 9,
        "axes.facecolor": GROUND,
    }
)


def by_size(workload):
    return (
        workload.kind == "stream"
        and workload.producers + workload.consumers == 2
        and workload.batch == 1
        and workload.mode == "auto"
    )


def x_pair(workload):
    return f"{workload.producers}P{workload.consumers}C"


# name: title, which workloads, x of one, label of x, figure, scale, label of y
PICTURES = {
    "size": ("One producer, one consumer", by_size, lambda w: f"{w.size}", "bytes", "ns", 1, "ns a message"),
    "crowd": (
        "Producers and consumers, 56 bytes",
        lambda w: w.kind == "stream" and w.size == 56 and w.batch == 1 and w.mode == "auto",
        x_pair,
        "",
        "ns",
        1,
        "ns a message",
    ),
    "batch": (
        "Batches, 56 bytes",
        lambda w: w.kind == "stream" and w.size == 56 and w.producers + w.consumers == 2 and w.mode == "auto",
        lambda w: f"{w.batch}",
        "messages a call",
        "ns",
        1,
        "ns a message",
    ),
    "memory": (
        "Memory by backlog, 56 bytes",
        lambda w: w.kind == "backlog",
        lambda w: f"{w.count:,}",
        "messages waiting",
        "bytes",
        1 << 20,
        "MiB",
    ),
}


def styles(contestants):
    others = [c["key"] for c in contestants if c["key"] != "cqueue"]
    made = {
        key: {"color": OTHERS[i % len(OTHERS)], "marker": MARKS[i % len(MARKS)], "lw": 1, "ms": 4}
        for i, key in enumerate(others)
    }
    made["cqueue"] = {"color": OURS, "marker": "o", "lw": 2.5, "ms": 6, "zorder": 5}
    return made


def finish(figure, axis, results, path):
    axis.grid(True, which="major", alpha=0.4)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=7.5, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    machine = results["machine"]
    figure.text(
        0.01,
        0.01,
        f"{machine['date']}, {machine['processor']}, {machine['processors']} processors, "
        f"load {machine['load']:g}; medians and quartiles",
        fontsize=6.5,
    )
    figure.tight_layout(rect=(0, 0.03, 1, 1))
    figure.savefig(f"{path}.svg", metadata={"Date": None})
    figure.savefig(f"{path}.png", dpi=150)
    plt.close(figure)


def lines(results, table, out):
    style = styles(results["contestants"])
    present = {row["workload"] for row in results["figures"]}
    for name, (title, which, x_of, x_label, figure_name, scale, y_label) in PICTURES.items():
        workloads = sorted(
            (w for w in ALL if which(w) and w.key in present),
            key=lambda w: (w.producers + w.consumers, w.batch, w.size, w.count),
        )
        places = {w.key: i for i, w in enumerate(workloads)}
        figure, axis = plt.subplots(figsize=(8, 4), facecolor=GROUND)
        drawn = 0
        for contestant in results["contestants"]:
            rows = [row for row in (table.row(w.key, contestant["key"], figure_name) for w in workloads) if row]
            if rows:
                drawn += 1
                y = [row["median"] / scale for row in rows]
                spread = [
                    [v - row["low"] / scale for v, row in zip(y, rows)],
                    [row["high"] / scale - v for v, row in zip(y, rows)],
                ]
                axis.errorbar(
                    [places[row["workload"]] for row in rows],
                    y,
                    yerr=spread,
                    label=contestant["name"],
                    capsize=2,
                    elinewidth=0.7,
                    **style[contestant["key"]],
                )
        if drawn:
            axis.set_xticks(range(len(workloads)), [x_of(w) for w in workloads])
            axis.set(title=title, xlabel=x_label, ylabel=y_label, yscale="log")
            finish(figure, axis, results, out / name)
            yield name
        else:
            plt.close(figure)


def latency(results, table, out):
    style = styles(results["contestants"])
    for workload in (w for w in ALL if w.kind == "latency"):
        figure, axis = plt.subplots(figsize=(8, 4), facecolor=GROUND)
        drawn = 0
        for contestant in results["contestants"]:
            rows = [table.row(workload.key, contestant["key"], f"p{str(p).replace('.', '')}") for p in PERCENTILES]
            if all(rows):
                drawn += 1
                axis.plot(
                    [1 / (1 - p / 100) for p in PERCENTILES],
                    [row["median"] for row in rows],
                    label=contestant["name"],
                    **style[contestant["key"]],
                )
        if drawn:
            axis.set(
                title=f"Latency: {workload.title}",
                xscale="log",
                yscale="log",
                xlabel="percentile",
                ylabel="ns from when it was due",
            )
            axis.set_xticks([2, 10, 100, 1000, 10000], ["50", "90", "99", "99.9", "99.99"])
            axis.minorticks_off()
            finish(figure, axis, results, out / workload.key)
            yield workload.key
        else:
            plt.close(figure)


def draw(results, state, out):
    """The names of the pictures that were drawn, of one state of the machine."""
    table = Table(results["figures"], state)
    return [*lines(results, table, out), *latency(results, table, out)]
