#!/usr/bin/env python3
"""Holds what walks over a dump's structures find against what drgn finds with vmlinux.

usage: structures.py FACTS.json DUMP VMLINUX [MODULE.ko...]

FACTS.json is what the example `structures` of the crate `os` prints: slab caches and their objects, the map of
memory, trees and maps of every kind, and each number in some large structures. Every difference is printed, and
makes the outcome 1; nothing is explained away. One thing is set right before: a panic takes the other CPUs offline
without giving back the slabs that they allocate from, and drgn looks at those of CPUs that are online only.
"""

import json
import re
import sys

import drgn
from drgn import Object
from drgn.helpers.linux import slab
from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.common.memory import identify_address_all
from drgn.helpers.linux.common import IdentifiedPage, IdentifiedSlabObject, IdentifiedTaskStack, IdentifiedVmap
from drgn.helpers.linux.idr import idr_for_each
from drgn.helpers.linux.list import hlist_for_each, list_for_each_entry
from drgn.helpers.linux.mapletree import mt_for_each
from drgn.helpers.linux.mm import PageReserved, PageSlab, PageTail, compound_head, page_to_pfn, pfn_to_page
from drgn.helpers.linux.mm import for_each_vmap_area, pfn_to_virt
from drgn.helpers.linux.percpu import per_cpu
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.rbtree import rbtree_inorder_for_each
from drgn.helpers.linux.sched import cfs_rq_for_each_entity, sched_entity_to_task, task_cpu
from drgn.helpers.linux.slab import for_each_slab_cache, slab_cache_for_each_allocated_object, slab_cache_usage
from drgn.helpers.linux.wait import waitqueue_for_each_entry
from drgn.helpers.linux.xarray import xa_for_each

STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


class Comparison:
    def __init__(self, prog):
        self.prog = prog
        self.differences = []
        self.counts = {}

    def same(self, what, theirs, ours):
        if theirs != ours:
            self.differences.append(f"{what}: drgn {theirs!r:.300}, ours {ours!r:.300}")

    def count(self, what, number=1):
        self.counts[what] = self.counts.get(what, 0) + number

    def map(self, ours):
        first = pfn_to_virt(self.prog, 0).value_(), pfn_to_page(self.prog, 0).value_()
        self.same("the map of memory", list(first), ours)

    def caches(self, ours):
        mine = {cache["address"]: cache for cache in ours}
        theirs = list(for_each_slab_cache(self.prog))
        self.same("slab caches", [int(cache) for cache in theirs], list(mine))
        for cache in theirs:
            own = mine.get(int(cache))
            if own is None:
                continue
            name = cache.name.string_().decode()
            usage = slab_cache_usage(cache)
            row = [name, int(cache.size), int(cache.object_size), usage.num_slabs, usage.num_objs]
            self.same(name, row, [own[key] for key in ("name", "size", "object_size", "slabs", "objects")])
            self.count("slab caches")
            if own["allocated"] is None:
                continue
            # What is free is counted by the objects themselves: the usage forgets those that another CPU gave back
            # to the slab that a CPU allocates from.
            objects = [int(at) for at in slab_cache_for_each_allocated_object(cache, "void")]
            self.same(f"free objects of {name}", usage.num_objs - len(objects), own["free"])
            self.same(f"objects of {name}", sorted(objects), own["allocated"])
            self.count("objects", len(objects))

    def pages(self, ours):
        for number, *own in ours:
            page = pfn_to_page(self.prog, number)
            try:
                flags = int(page.flags)
            except (drgn.FaultError, TypeError):
                flags = None
            if flags is None or len(own) < 3:
                self.same(f"page {number:#x}", flags is None, len(own) < 3)
                continue
            head = int(page_to_pfn(compound_head(page))) if PageTail(page) else None
            self.same(f"page {number:#x}", [flags, head], own[:2])
            is_slab = bool(PageSlab(compound_head(page)))
            self.same(f"page {number:#x} is a slab", is_slab, own[2] == "Slab")
            if not is_slab and head is None:
                self.same(f"page {number:#x} is reserved", bool(PageReserved(page)), own[2] == "Reserved")
            self.count("pages")

    def xarrays(self, ours):
        mine = dict(map(tuple, ours))
        seen = []
        for place in list_for_each_entry("struct super_block", self.prog["super_blocks"].address_of_(), "s_list"):
            for inode in list_for_each_entry("struct inode", place.s_inodes.address_of_(), "i_sb_list"):
                pages = inode.i_data.i_pages.address_of_()
                seen.append(int(pages))
                theirs = [[int(index), int(entry)] for index, entry in xa_for_each(pages)]
                own = [[first, held] for first, _, held in mine.get(int(pages), [])]
                self.same(f"XArray at {int(pages):#x}", theirs, own)
                self.count("XArrays")
                self.count("entries of XArrays", len(theirs))
        self.same("XArrays", sorted(seen), sorted(mine))

    def pids(self, pids, lists):
        theirs = [[int(number), int(pid)] for number, pid in idr_for_each(self.prog["init_pid_ns"].idr.address_of_())]
        self.same("IDR of processes", theirs, pids)
        self.count("entries of an IDR", len(theirs))
        for pid, kind, own in lists:
            head = Object(self.prog, "struct pid", address=pid).tasks[kind].address_of_()
            self.same(f"tasks {kind} of {pid:#x}", [int(node) for node in hlist_for_each(head)], own)
            self.count("hlists")

    def maples(self, ours):
        mine = dict(map(tuple, ours))
        spaces = {int(task.mm.mm_mt.address_of_()): task.mm for task in for_each_task(self.prog) if task.mm}
        self.same("maple trees", sorted(spaces), sorted(mine))
        for at, space in spaces.items():
            theirs = [[int(first), int(last), int(entry)] for first, last, entry in mt_for_each(space.mm_mt.address_of_())]
            self.same(f"maple tree at {at:#x}", sorted(theirs), mine.get(at))
            self.same(f"map_count at {at:#x}", int(space.map_count), len(theirs))
            self.count("entries of maple trees", len(theirs))

    def rbtrees(self, ours):
        for at, own in ours:
            root = Object(self.prog, "struct rb_root", address=at).address_of_()
            self.same(f"tree at {at:#x}", [int(node) for node in rbtree_inorder_for_each(root)], own)
            self.count("trees")
            self.count("nodes of trees", len(own))

    def areas(self, ours):
        theirs = []
        for area in for_each_vmap_area(self.prog):
            owner = area.vm.read_()
            told = [int(owner), int(owner.flags), int(owner.nr_pages), int(owner.caller)] if owner else None
            theirs.append([int(area), int(area.va_start), int(area.va_end), told])
        self.same("areas of vmalloc", sorted(theirs, key=lambda area: area[1]), ours)
        self.count("areas", len(theirs))

    def queues(self, ours):
        wanting = {}
        for task in for_each_task(self.prog):
            if task.on_rq == 1:
                wanting.setdefault(task_cpu(task), []).append(int(task))
        for own in ours:
            queue = per_cpu(self.prog["runqueues"], own["cpu"])
            row = [queue.address_, int(queue.nr_running), int(queue.curr)]
            self.same(f"queue of CPU {own['cpu']}", row, [own["address"], own["running"], own["current"]])
            fair = []
            for entity, _, _, is_task in cfs_rq_for_each_entity(queue.cfs.address_of_()):
                if is_task:
                    fair.append(int(sched_entity_to_task(entity)))
            self.same(f"fair tasks of CPU {own['cpu']}", sorted(fair), sorted(own["fair"]))
            others = own["deadline"] + [task for _, task in own["real_time"]]
            every = sorted(own["fair"] + others)
            self.same(f"tasks of CPU {own['cpu']}", sorted(wanting.get(own["cpu"], [])), every)
            for priority, task in own["real_time"]:
                prio = int(Object(self.prog, "struct task_struct", address=task).prio)
                self.same(f"priority of {task:#x}", prio, priority)
            self.count("queued tasks", len(every))
            self.count("tasks of real time", len(own["real_time"]))

    def waiters(self, ours):
        for name, own in ours.items():
            theirs = []
            for entry in waitqueue_for_each_entry(self.prog[name].address_of_()):
                function = self.prog.symbol(entry.func.value_()).name
                theirs.append([int(entry), function, int(entry.private)])
            self.same(f"waiters of {name}", theirs, own)
            self.count("waiters", len(theirs))

    def identified(self, ours):
        for address, own in ours:
            theirs = []
            for found in identify_address_all(self.prog, address):
                if isinstance(found, IdentifiedTaskStack):
                    theirs.append(["stack", int(found.task), address - int(found.task.stack)])
                elif isinstance(found, IdentifiedSlabObject):
                    info = found.slab_object_info
                    theirs.append(["object", info.slab_cache.name.string_().decode(), info.address, info.allocated])
                elif isinstance(found, IdentifiedVmap):
                    theirs.append(["area", int(found.vmap_area)])
                elif isinstance(found, IdentifiedPage):
                    theirs.append(["page", int(page_to_pfn(found.page))])
            self.same(f"what {address:#x} is", sorted(theirs), sorted(own))
            self.count("addresses")

    def members(self, ours):
        for name, address, values in ours:
            whole = Object(self.prog, name, address=address)
            for path, own in values.items():
                part = whole
                for index, member in STEP.findall(path):
                    part = part[int(index)] if index else part.member_(member)
                bits = part.bit_field_size_ or 8 * drgn.sizeof(part)
                value = part.value_()
                self.same(f"{name} at {address:#x}: {path}", int(value) & ((1 << bits) - 1), own)
                self.count("members")
            self.count("structures")


def main():
    facts, dump, *files = sys.argv[1:]
    with open(facts, encoding="utf-8") as file:
        ours = json.load(file)
    slab.for_each_online_cpu = for_each_possible_cpu
    prog = drgn.Program()
    prog.set_core_dump(dump)
    prog.load_debug_info(files)
    check = Comparison(prog)
    check.differences.extend(f"gap: {gap}" for gap in ours["gaps"])
    check.map(ours["map"])
    check.caches(ours["caches"])
    check.pages(ours["pages"])
    check.xarrays(ours["xarrays"])
    check.pids(ours["pids"], ours["hlists"])
    check.maples(ours["maples"])
    check.rbtrees(ours["rbtrees"])
    check.members(ours["members"])
    check.areas(ours["areas"])
    check.queues(ours["queues"])
    check.waiters(ours["waiters"])
    check.identified(ours["identified"])
    for difference in check.differences[:100]:
        print(difference)
    told = ", ".join(f"{count} {what}" for what, count in check.counts.items())
    print(f"{told}: {len(check.differences)} differences")
    return 1 if check.differences else 0


if __name__ == "__main__":
    sys.exit(main())
