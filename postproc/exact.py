"""What figures 2 and A1 share: panels and claims of nine peaks with exact scores."""
import os

from adpost import STYLE, Metrics, style
from planes import EM, GRID, NOISES, SCHEMES, TICKS, TITLE, WINDOW, block, dots, name_noise, name_part, stack

TAUS = (0.1, 0.25, 0.5, 1, 2)


def read_exact(folder, data, samples):
    return Metrics(os.path.join(folder, "exact", f"{data}_{samples}", "metrics.h5"))


def rows(metrics, taus, cld=True):
    """Rows of a block: passive, CLD, active noise of several persistence times."""
    return [(NOISES[n], metrics, {"process": n}) for n in ("passive", "cld") if cld or n == "passive"] + \
           [(name_noise("active", tau), metrics, {"process": "active", "tau": tau}) for tau in taus]


def exact_quality(axes, metrics, metric, taus=TAUS):
    """Quality of every noise: Euler-Maruyama as it is, without the noise of its last step, and one sigma grid."""
    settings = [{**EM, "steps": n, "last": last} for last in ("none", "mean") for n in (10, 100, 500)] + [GRID]
    series = []
    for label, _, wanted in rows(metrics, taus):
        look = STYLE["cld"] if label == "CLD" else style(wanted["process"], wanted.get("tau"))
        series.append((label, look, [metrics.find(metric, **wanted, **s) for s in settings]))
    dots(axes, [("EM", TICKS[:3]), ("EM, last step mean", TICKS[:3]), ("ANC", TICKS[3:])], series, metric,
         metrics.get_floor(metric).value)


def exact_panels(fig, spec, metrics, data, taus, names, title):
    """The block of samples, and beneath it the dot plots of KL and of the share near the peaks."""
    top, low = stack(fig, spec, 2 + len(taus), 2)
    name_part(block(fig, top, rows(metrics, taus), SCHEMES, WINDOW[data], names)[0, 0], title)
    for panel, metric in zip(low, ("kl", "share3")):
        exact_quality(panel, metrics, metric)
    low[1].legend(fontsize=6.5, loc="lower right", ncol=2)
    low[1].set_xlabel(r"time step dt of Euler-Maruyama; $\sigma$: 20 steps on one grid", fontsize=8)


def exact_claims(caption, metrics, data, metric="kl"):
    name = TITLE[data]

    def get(process, steps=None, last="none", **wanted):
        scheme = GRID if steps is None else {"scheme": "em", "steps": steps, "last": last}
        return metrics.find(metric, process=process, **wanted, **scheme)

    for steps in (10, 100, 500):
        caption.lower(f"{name}, exact: active tau 0.5 beats passive at dt {1 / steps:g}", get("active", steps, tau=0.5), get("passive", steps), "KL")
    caption.lower(f"{name}, exact: and still when passive drops the noise of its last step, dt 0.01", get("active", 100, tau=0.5),
                  get("passive", 100, "mean"), "KL")
    caption.lower(f"{name}, exact: larger tau is better, 2 against 0.5, at dt 0.1", get("active", 10, tau=2), get("active", 10, tau=0.5), "KL")
    caption.lower(f"{name}, exact: 2 against 0.5, at dt 0.002", get("active", 500, tau=2), get("active", 500, tau=0.5), "KL")
    caption.same(f"{name}, exact: denoising the last step changes nothing for active tau 0.5, dt 0.01", get("active", 100, tau=0.5),
                 get("active", 100, "mean", tau=0.5), "KL")
    caption.lower(f"{name}, exact: active tau 0.5 beats CLD at dt 0.01", get("active", 100, tau=0.5), get("cld", 100), "KL")
    caption.lower(f"{name}, exact, control: active tau 0.5 beats passive on one sigma grid, 20 steps", get("active", tau=0.5),
                  get("passive"), "KL")
