"""The same work in PyTorch: what a user would run instead. One JSON line each, as bench.c prints."""
import json
import sys
import time

import torch

torch.manual_seed(1)
threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
torch.set_num_threads(threads)


def report(name, value, unit):
    print(json.dumps({"bench": "torch_" + name, "threads": threads, "value": value, "unit": unit}), flush=True)


def layers():
    sizes = [5, 128, 128, 128, 128]
    for a, b in zip(sizes[:-1], sizes[1:]):
        yield torch.nn.Linear(a, b)
        yield torch.nn.SiLU()
    yield torch.nn.Linear(128, 2)


net = torch.nn.Sequential(*layers())
averaged = [p.detach().clone() for p in net.parameters()]
optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
angle = torch.arange(9) * 0.7
centres = torch.stack([torch.cos(angle), torch.sin(angle)], 1)


def training_step(batch=512):
    """Draw data, time and noise, form the active noise's state, regress the noise, clip, Adam, EMA."""
    x0 = centres[torch.randint(9, (batch,))] + 0.04 * torch.randn(batch, 2)
    t = torch.rand(batch, 1)
    e1, e2 = torch.randn(batch, 2), torch.randn(batch, 2)
    a = torch.exp(-t)
    x, eta = a * x0 + (1 - a) * e1, e2
    out = net(torch.cat([x, eta, t], 1))
    loss = ((out - e1) ** 2).mean()
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimiser.step()
    with torch.no_grad():
        torch._foreach_mul_(averaged, 0.999)
        torch._foreach_add_(averaged, list(net.parameters()), alpha=0.001)


def best_time(work, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def sampling(n=10000, steps=500):
    """Euler-Maruyama of the reverse active process."""
    dt, k, tau, ta = 1.0 / steps, 1.0, 0.5, 1.0
    x, eta = torch.randn(n, 2), torch.randn(n, 2)
    with torch.no_grad():
        for i in range(steps):
            t = torch.full((n, 1), 1 - i * dt)
            s = net(torch.cat([x, eta, t], 1))
            x_new = x + dt * (k * x - eta)
            eta = eta + dt * (eta / tau + 2 * ta / tau**2 * s) + (2 * ta * dt) ** 0.5 / tau * torch.randn(n, 2)
            x = x_new
    return x


steps = 200
training_step()
report("mlp_train_batch512", steps / best_time(lambda: [training_step() for _ in range(steps)], 3), "steps/s")
report("sample_10000x500_em", best_time(sampling, 2), "s")
count = 1 << 22
report("normals", 1e9 * best_time(lambda: torch.randn(count), 5) / count, "ns a normal")
