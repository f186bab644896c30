"""What figures 3b and A5 share: Ramachandran panels, populations of the basins, claims about alanine dipeptide."""
from adpost import SYMBOL, Estimate, estimate, style
from fig_alanine import ramachandran
from planes import EM, GRID, NOISES, TITLE, dots, learned_quality, name_noise, sigma_claims

FLOW = {"scheme": "flow"}
SCHEMES = {"flow": FLOW, "EM, dt 0.01": {**EM, "steps": 100}, r"$\sigma$ grid, 20 steps": GRID}
TICKS = ("flow", "EM 0.01", r"$\sigma$")
BASINS = {"pop_alphaR": r"$\alpha_R$", "pop_PII": r"P$_{II}$", "pop_C5": "C5", "pop_alphaL": r"$\alpha_L$"}


def panel(axes, learned, net, noise, scheme, title):
    """Log density of one model by one scheme, with its Jensen-Shannon divergence in the title."""
    metrics, wanted = learned.net[net], {"process": noise, **scheme}
    groups = metrics.groups(**wanted)
    if not groups:
        axes.set_axis_off()
        axes.set_title(f"{title}\ndiverged", fontsize=9)
        return None
    return ramachandran(axes, metrics, metrics.histogram[groups[0]], f"{title}\nJS {estimate(*metrics.get(groups[0], 'js'))}")


def populations(axes, learned, net, scheme, title):
    """Shares of the basins, beside those of the held-out rows."""
    metrics = learned.net[net]
    truth = [Estimate(metrics.level[metrics.name.index(b)], metrics.level_error[metrics.name.index(b)]) for b in BASINS]
    series = [("molecular dynamics", ("0.5", "D"), truth)]
    series += [(name_noise(n, learned.tau()), style(n), [learned.find(b, net, n, scheme) for b in BASINS]) for n in NOISES]
    dots(axes, [(title, list(BASINS.values()))], series, "population", None, line="none")


def quality(axes, learned, metric="js"):
    learned_quality(axes, learned, metric, SCHEMES, TICKS)


def claims(caption, learned):
    """Passive, CLD and active noise at equal iterations by the flow; then the controls."""
    name = f"{TITLE[learned.data]}, {learned.iterations:,} iterations"

    def compare(claim, net, one, other, scheme):
        caption.lower(f"{name}, {claim}", learned.find("js", net, one, scheme), learned.find("js", net, other, scheme), SYMBOL["js"])

    compare("flow: active beats passive", "uniform", "active", "passive", FLOW)
    compare("flow: active beats CLD", "uniform", "active", "cld", FLOW)
    compare("flow: CLD beats passive", "uniform", "cld", "passive", FLOW)
    compare("control, flow: active beats passive, with one reduced net for both (by its clock alone)", "reduced", "active", "passive", FLOW)
    sigma_claims(compare)


def heading(number, learned, iterations):
    rows = {n: learned.net["uniform"].groups(process=n, **FLOW) for n in NOISES}
    calls = ", ".join(f"{NOISES[n]} {learned.net['uniform'].column['evaluations'][g[0]]:.0f}" for n, g in rows.items() if g)
    return (f"Figure {number}. Backbone torsions of alanine dipeptide: joint nets of (x, auxiliary, t) as in the paper (rate 4, {iterations} iterations "
            f"of 512 rows, mean of {learned.seeds} trainings), probability flow by adaptive Runge-Kutta to t = 0.001 (tolerance 1e-5; score evaluations "
            f"a sample: {calls}), then the posterior mean; Jensen-Shannon divergence to held-out stretches of the trajectory. Controls: 20 ancestral steps of "
            "order 2 on one grid of sigma for all noises, nets trained with one law of sigma, one reduced net for all noises.")
