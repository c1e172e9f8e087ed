#!/usr/bin/env python3
"""What drgn needs for the same as the benches of the crates `os` and `image`, in a process that has read nothing.

usage: stacks.py stacks|search DUMP VMLINUX [MODULE.ko...]

`stacks`: every task, and each frame of its stack with the name of its function. `search`: one word in all memory.
"""

import sys
import time

import drgn
from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.sched import idle_task

# A word that is nowhere: all memory is looked at, and nothing is collected.
WORD = 0xFFFF_FFFF_DEAD_4321


def main():
    what, dump, *files = sys.argv[1:]
    prog = drgn.Program()
    prog.set_core_dump(dump)
    prog.load_debug_info(files)
    if what == "search":
        start = time.perf_counter()
        found = sum(1 for _ in prog.search_memory_u64(WORD))
        print(f"{time.perf_counter() - start:.6f} s, {found} places")
        return
    tasks = list(for_each_task(prog)) + [idle_task(prog, cpu) for cpu in for_each_possible_cpu(prog)]
    frames = 0
    for task in tasks:
        try:
            stack = prog.stack_trace(task)
        except (LookupError, ValueError):
            continue
        for frame in stack:
            frames += frame.name is not None
    print(f"{len(tasks)} tasks, {frames} frames")


if __name__ == "__main__":
    main()
