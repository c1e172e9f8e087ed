#!/usr/bin/env python3
"""Holds what `why` reads from a dump alone against what drgn reads with vmlinux.

usage: compare.py FACTS.json DUMP VMLINUX [MODULE.ko...]

FACTS.json is what the example `facts` of the crate `os` prints. Every difference that is not explained below
is printed, and makes the outcome 1. Explained, and counted:

* Names: drgn takes the symbol of vmlinux whose size covers an address; kallsyms has no sizes, and so also the
  labels within a function (`entry_SYSCALL_64_after_hwframe`): the nearer one below the address is ours.
* Modules whose files are not given have no names with drgn; ours are out of their own kallsyms.
* User space: drgn goes on there without its files, which is guesswork; we end with its registers.
* Without a VMCOREINFO note there is a gap that says so.
* A task that has not run yet: its one frame is the code behind `__switch_to_asm` where it will begin
  (`ret_from_fork`, or `ret_from_fork_asm`), which no unwind entry covers; drgn has no symbol for it and reads on in what
  lies above.
* Log: the second line of a record has a time with us, as the kernel prints it, and none with drgn.
"""

import json
import re
import sys

import drgn
from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.linux.module import for_each_module
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.printk import get_dmesg
from drgn.helpers.linux.sched import cpu_curr, idle_task, task_state_to_char

KERNEL = 1 << 63
START = ("__switch_to_asm", "ret_from_fork", "ret_from_fork_asm")
TIME = re.compile(r"^\[ *\d+\.\d{6}\] ")


def stack(prog, task):
    """Frames in the kernel: address, name and where the name's symbol begins."""
    rows = []
    for frame in prog.stack_trace(task):
        if frame.is_inline:
            continue
        if frame.pc < KERNEL:
            break
        try:
            symbol = frame.symbol()
            rows.append((frame.pc, symbol.name, symbol.address))
        except LookupError:
            rows.append((frame.pc, None, None))
    return rows


def modules(prog):
    for module in for_each_module(prog):
        name = module.name.string_().decode()
        try:
            layout = module.core_layout
            yield [name, int(layout.base), int(layout.size)]
        except AttributeError:
            kept = [module.mem[kind] for kind in range(4)]
            yield [name, int(kept[0].base), sum(int(piece.size) for piece in kept)]


def unborn(theirs, ours):
    """Whether both have the task where a fork left it, and nothing else is known of it."""
    if len(ours) != 1 or not theirs or theirs[0][1] is not None:
        return False
    return theirs[0][0] == ours[0][0] and ours[0][1] in START


class Comparison:
    def __init__(self):
        self.differences = []
        kinds = ("labels", "user space", "lines of one record", "modules without a file", "tasks not run yet")
        self.explained = dict.fromkeys(kinds, 0)
        self.frames = 0

    def same(self, what, theirs, ours):
        if theirs != ours:
            self.differences.append(f"{what}: drgn {theirs!r}, ours {ours!r}")

    def stacks(self, who, theirs, ours, end):
        if isinstance(ours, str):
            self.differences.append(f"stack of {who}: {ours}")
            return
        if unborn(theirs, ours):
            self.explained["tasks not run yet"] += 1
            return
        if end.startswith("lost"):
            self.differences.append(f"stack of {who}: {end}")
        if end == "user":
            self.explained["user space"] += 1
        self.frames += len(ours)
        pcs = lambda rows: [hex(row[0]) for row in rows]
        self.same(f"addresses of {who}", pcs(theirs), pcs(ours))
        for (pc, name, start), (_, own, shown, _, guess) in zip(theirs, ours):
            if guess:
                self.differences.append(f"frame {pc:#x} of {who}: guessed")
            if name == own:
                continue
            if name is None and own is not None and shown.endswith("]"):
                self.explained["modules without a file"] += 1
                continue
            offset = int(shown.rsplit("+", 1)[1].split(" ")[0], 16) if shown else 0
            if name is not None and own is not None and start < pc - offset <= pc:
                self.explained["labels"] += 1
                continue
            self.differences.append(f"frame {pc:#x} of {who}: drgn {name}, ours {shown}")

    def log(self, theirs, ours):
        self.same("lines of the log", len(theirs), len(ours))
        for one, other in zip(theirs, ours):
            if one != other and one == TIME.sub("", other):
                self.explained["lines of one record"] += 1
            else:
                self.same("line of the log", one, other)


def main():
    facts, dump, *files = sys.argv[1:]
    with open(facts, encoding="utf-8") as file:
        ours = json.load(file)
    # A dump without VMCOREINFO is none for drgn; the kernel has it in its memory too.
    told = ours["vmcoreinfo"].encode() if ours["found"].startswith("Found { way: Search") else None
    prog = drgn.Program(vmcoreinfo=told) if told else drgn.Program()
    prog.set_core_dump(dump)
    prog.load_debug_info(files)
    check = Comparison()
    for gap in ours["gaps"]:
        if not (told and gap.startswith("VMCOREINFO:")):
            check.differences.append(f"gap: {gap}")
    cpus = list(for_each_possible_cpu(prog))
    tasks = list(for_each_task(prog)) + [idle_task(prog, cpu) for cpu in cpus]
    mine = {task["address"]: task for task in ours["tasks"]}
    check.same("tasks", sorted(map(int, tasks)), sorted(mine))
    for task in tasks:
        own = mine.get(int(task))
        if own is None:
            continue
        row = [int(task.pid), task.comm.string_().decode(), task_state_to_char(task)]
        who = f"{row[0]} {row[1]}"
        check.same(who, row, [own["pid"], own["comm"], own["state"]])
        check.stacks(who, stack(prog, task), own["stack"], own["end"])
    check.same("modules", list(modules(prog)), ours["modules"])
    running = [[cpu, int(cpu_curr(prog, cpu).pid)] for cpu in cpus]
    check.same("CPUs", running, [row[:2] for row in ours["current"]])
    check.log(get_dmesg(prog).decode(errors="replace").splitlines(), ours["log"])
    for difference in check.differences:
        print(difference)
    explained = ", ".join(f"{count} {what}" for what, count in check.explained.items())
    print(
        f"{len(tasks)} tasks, {check.frames} frames, {len(ours['modules'])} modules, {len(ours['log'])} lines: "
        f"{len(check.differences)} differences; explained: {explained}"
    )
    return 1 if check.differences else 0


if __name__ == "__main__":
    sys.exit(main())
