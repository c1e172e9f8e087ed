//! Register dumps of x86_64 and i386.

use base::VirtAddr;

use super::{code, read};

pub const PAGE_FAULT: &str = "\
BUG: kernel NULL pointer dereference, address: 0000000000000318
#PF: supervisor write access in kernel mode
#PF: error_code(0x0002) - not-present page
PGD 0 P4D 0 \n\
Oops: 0002 [#1] PREEMPT SMP NOPTI
CPU: 1 PID: 700 Comm: modprobe Tainted: G           O       6.1.0-32-amd64 #1  Debian 6.1.129-1
Hardware name: QEMU Standard PC
RIP: 0010:demo_init+0x1f/0x1000 [demo]
Code: Unable to access opcode bytes at 0xffffffffc04a1ff5.
RSP: 0018:ffffa1b2c0a7bd20 EFLAGS: 00010246
RAX: 0000000000000000 RBX: ffffffffc04a3000 RCX: 0000000000000001
RDX: 0000000000000000 RSI: ffffffffb2e0a0c0 RDI: 0000000000000300
RBP: 0000000000000000 R08: 0000000000000003 R09: ffff8a3a40000000
R10: 0000000000000000 R11: 0000000000000000 R12: ffff8a3a42d0f000
R13: ffffa1b2c0a7bec0 R14: 0000000000000000 R15: 0000000000000000
FS:  00007f1a2b3c4d40(0000) GS:ffff8a3abdd00000(0000) knlGS:0000000000000000
CS:  0010 DS: 0000 ES: 0000 CR0: 0000000080050033
CR2: 0000000000000318 CR3: 0000000102a04000 CR4: 00000000000006e0
Call Trace:
 <TASK>
 do_one_initcall+0x59/0x220
 do_syscall_64+0x58/0x80
 entry_SYSCALL_64_after_hwframe+0x72/0xdc
RIP: 0033:0x7f1a2b4d5e69
Code: 48 89 f8 48 89 f7 <48> 3d 01 f0 ff ff
RSP: 002b:00007ffc11223344 EFLAGS: 00000246 ORIG_RAX: 0000000000000139
RAX: ffffffffffffffda RBX: 000055d0a1b2c3d4 RCX: 00007f1a2b4d5e69
 </TASK>
Modules linked in: demo(O+)
CR2: 0000000000000318
---[ end trace 0000000000000000 ]---
RIP: 0010:demo_init+0x1f/0x1000 [demo]
Code: 0f 1f 44 00 00 <c7> 87 18 03 00
RSP: 0018:ffffa1b2c0a7bd20 EFLAGS: 00010246
RAX: 0000000000000000 RBX: ffffffffc04a3000 RCX: 0000000000000001
";

#[test]
fn a_page_fault_of_today() {
    let event = read(PAGE_FAULT);
    assert_eq!(event.machine.arch.as_deref(), Some("x86_64"));
    let whose: Vec<_> = event.registers.iter().map(|s| s.whose.as_str()).collect();
    assert_eq!(whose, ["kernel", "user"], "the repetition adds nothing");
    let set = &event.registers[0];
    assert_eq!(set.line, 8);
    assert_eq!(set.get("RDI"), Some(0x300));
    assert_eq!(set.get("r8"), Some(3));
    assert_eq!(set.get("rsp"), Some(0xffff_a1b2_c0a7_bd20));
    assert_eq!(set.get("eflags"), Some(0x10246));
    assert_eq!(set.get("cs"), Some(0x10));
    assert_eq!(set.get("ss"), Some(0x18));
    assert_eq!(set.get("fs_base"), Some(0x7f1a_2b3c_4d40));
    assert_eq!(set.get("gs_base"), Some(0xffff_8a3a_bdd0_0000));
    assert_eq!(set.get("kernel_gs_base"), Some(0));
    assert_eq!(set.get("cr2"), Some(0x318));
    let pc = set.pc.as_ref().unwrap();
    assert_eq!(pc.function.as_deref(), Some("demo_init"));
    assert_eq!(pc.module.as_deref(), Some("demo"));
    let user = &event.registers[1];
    assert_eq!(user.get("rip"), Some(0x7f1a_2b4d_5e69));
    assert_eq!(user.get("orig_rax"), Some(0x139));
    let fault = event.fault.as_ref().unwrap();
    assert_eq!(fault.address, Some(VirtAddr(0x318)));
    assert_eq!(fault.address_source.as_deref(), Some("CR2"));
    assert_eq!(fault.code, Some(VirtAddr(2)));
    assert_eq!(fault.code_kind.as_deref(), Some("x86 page fault"));
    assert_eq!(fault.access.as_deref(), Some("write"));
    assert_eq!(
        fault.words,
        ["supervisor write access in kernel mode", "not-present page"]
    );
    // The system call did not fail: its code is not the event's.
    let (units, marked) = code(&event);
    assert_eq!((units[5], marked), (0xc7, Some(5)));
}

#[test]
fn a_general_protection_fault_names_the_address_it_computed() {
    let event = read(
        "general protection fault, probably for non-canonical address \
         0xdffffc0000000003: 0000 [#1] PREEMPT SMP KASAN\n\
         KASAN: null-ptr-deref in range [0x0000000000000018-0x000000000000001f]\n\
         CPU: 0 PID: 9 Comm: a Not tainted 6.6.0 #1\n\
         RIP: 0010:f+0x12/0x34\n\
         Code: 48 c1 ea 03 <80> 3c 02 00",
    );
    let fault = event.fault.as_ref().unwrap();
    assert_eq!(fault.address, Some(VirtAddr(0xdfff_fc00_0000_0003)));
    assert_eq!(
        fault.address_source.as_deref(),
        Some("operands of the instruction")
    );
    assert_eq!(fault.code_kind.as_deref(), Some("x86 general protection"));
    assert_eq!(
        event.detail("KASAN range"),
        Some("null-ptr-deref in range [0x0000000000000018-0x000000000000001f]")
    );
    assert_eq!(code(&event).1, Some(4));
}

#[test]
fn an_oops_of_2_6_32() {
    let event = read(
        "BUG: unable to handle kernel NULL pointer dereference at 0000000000000018\n\
         IP: [<ffffffffa0123456>] demo_read+0x16/0x40 [demo]\n\
         PGD 3a0d7067 PUD 3a0d8067 PMD 0 \n\
         Oops: 0000 [#1] SMP \n\
         CPU 0 \n\
         Modules linked in: demo [last unloaded: scsi_wait_scan]\n\
         Pid: 2022, comm: cat Not tainted 2.6.32-5-amd64 #1 Bochs\n\
         RIP: 0010:[<ffffffffa0123456>]  [<ffffffffa0123456>] demo_read+0x16/0x40 [demo]\n\
         RSP: 0018:ffff88003a0b5e98  EFLAGS: 00010286\n\
         RAX: 0000000000000000 RBX: ffff88003b5c6240 RCX: ffff88003a0b5f48\n\
         FS:  00007f0c1d2e3700(0000) GS:ffff880001800000(0000) knlGS:0000000000000000\n\
         CS:  0010 DS: 0000 ES: 0000 CR0: 0000000080050033\n\
         CR2: 0000000000000018 CR3: 000000003a0d6000 CR4: 00000000000006f0\n\
         Process cat (pid: 2022, threadinfo ffff88003a0b4000, task ffff88003b0a8000)\n\
         Stack:\n\
         \x20ffff88003a0b5f48 ffffffff810ef4e5 0000000000000000 ffff88003b5c6240\n\
         <0> 0000000000008000           (null) 0000000000000000 ffffffff810ef6a1\n\
         Call Trace:\n\
         \x20[<ffffffff810ef4e5>] ? vfs_read+0xa6/0xff\n\
         Code: 55 48 89 e5 <48> 8b 40 18 c9 c3 \n\
         RIP  [<ffffffffa0123456>] demo_read+0x16/0x40 [demo]\n\
         \x20RSP <ffff88003a0b5e98>\n\
         CR2: 0000000000000018\n\
         ---[ end trace 4eaa2a86a8e2da22 ]---",
    );
    assert_eq!(event.registers.len(), 1);
    let set = &event.registers[0];
    assert_eq!(set.get("rip"), Some(0xffff_ffff_a012_3456));
    assert_eq!(set.get("rsp"), Some(0xffff_8800_3a0b_5e98));
    let pc = set.pc.as_ref().unwrap();
    assert_eq!(pc.pc, Some(VirtAddr(0xffff_ffff_a012_3456)));
    assert_eq!(pc.function.as_deref(), Some("demo_read"));
    assert_eq!(event.stack_words.len(), 8);
    assert_eq!(event.stack_words[5], VirtAddr(0));
    assert_eq!(code(&event).1, Some(4));
    assert_eq!(event.fault.as_ref().unwrap().code, Some(VirtAddr(0)));
    assert_eq!(event.gaps, []);
}

#[test]
fn the_registers_of_the_first_oops_are_told_apart() {
    let first = "RIP: 0010:f+0x10/0x20\n\
                 Code: 90 <cc> 90\n\
                 RSP: 0018:ffffc9000000bd20 EFLAGS: 00010246\n\
                 RAX: 0000000000000001 RBX: 0000000000000002 RCX: 0000000000000003\n";
    let second = first.replace("f+0x10", "g+0x10").replace("<cc>", "<0f>");
    let event = read(&format!(
        "{second}Call Trace:\n h+0x1/0x2\n---[ end trace 0000000000000000 ]---\n{first}"
    ));
    let whose: Vec<_> = event.registers.iter().map(|s| s.whose.as_str()).collect();
    assert_eq!(whose, ["kernel", "an earlier oops"]);
    assert_eq!(code(&event).0, [0x90, 0x0f, 0x90]);
}

#[test]
fn an_oops_of_i386() {
    let event = read(
        "BUG: unable to handle kernel paging request at 6b6b6b6b\n\
         IP: [<c1020304>] f+0x24/0x40\n\
         *pde = 00000000 \n\
         Oops: 0000 [#1] SMP \n\
         Pid: 1, comm: init Not tainted (2.6.39 #1) \n\
         EIP: 0060:[<c1020304>] EFLAGS: 00010202 CPU: 0\n\
         EIP is at f+0x24/0x40\n\
         EAX: 6b6b6b6b EBX: f6008000 ECX: 00000000 EDX: 00000001\n\
         ESI: f6008000 EDI: 00000000 EBP: f6009f80 ESP: f6009f70\n\
         \x20DS: 007b ES: 007b FS: 00d8 GS: 00e0 SS: 0068\n\
         Process init (pid: 1, ti=f6008000 task=f6010000 task.ti=f6008000)\n\
         Stack:\n\
         \x2000000000 f6009f80 c1000000 00000001 00000002 00000003 00000004 00000005\n\
         Call Trace:\n\
         \x20[<c1000000>] ? g+0x1/0x2\n\
         Code: 55 89 e5 <8b> 00 5d c3\n\
         EIP: [<c1020304>] f+0x24/0x40 SS:ESP 0068:f6009f70\n\
         CR2: 000000006b6b6b6b",
    );
    assert_eq!(event.machine.arch.as_deref(), Some("i386"));
    assert_eq!(event.registers.len(), 1);
    let set = &event.registers[0];
    assert_eq!(set.get("eax"), Some(0x6b6b_6b6b));
    assert_eq!(set.get("esp"), Some(0xf600_9f70));
    assert_eq!(set.get("eip"), Some(0xc102_0304));
    assert_eq!(set.get("fs"), Some(0xd8));
    let pc = set.pc.as_ref().unwrap();
    assert_eq!(pc.function.as_deref(), Some("f"));
    assert_eq!(pc.pc, Some(VirtAddr(0xc102_0304)));
    assert_eq!(event.stack_words.len(), 8);

    // Since 4.15 without selector: only the stack segment tells that these are a process's.
    let event = read(
        "EIP: f+0x24/0x40\n\
         EAX: 00000000 EBX: f6008000 ECX: 00000000 EDX: 00000001\n\
         DS: 007b ES: 007b FS: 00d8 GS: 0000 SS: 0068 EFLAGS: 00010202\n\
         Call Trace:\n\
         \x20entry_SYSENTER_32+0x98/0xf2\n\
         EIP: 0xb7fcd559\n\
         EAX: ffffffda EBX: 00000005 ECX: bfa3c0d0 EDX: 00000004\n\
         DS: 007b ES: 007b FS: 0000 GS: 0033 SS: 007b EFLAGS: 00000282",
    );
    let whose: Vec<_> = event.registers.iter().map(|s| s.whose.as_str()).collect();
    assert_eq!(whose, ["kernel", "user"]);
}

#[test]
fn a_dump_inside_a_trace_is_what_an_interrupt_found() {
    let event = read(
        "BUG: KASAN: use-after-free in f+0x1/0x2\n\
         Read of size 8 at addr ffff888012345678 by task a/7\n\
         Call Trace:\n\
         \x20<IRQ>\n\
         \x20f+0x1/0x2\n\
         \x20</IRQ>\n\
         \x20asm_sysvec_apic_timer_interrupt+0x1a/0x20\n\
         RIP: 0010:g+0x5/0x10\n\
         Code: 90 <90> 90\n\
         RSP: 0018:ffffc90000147d80 EFLAGS: 00000246",
    );
    assert_eq!(event.registers[0].whose, "interrupted kernel");
    assert!(event.code.is_none());
    let fault = event.fault.as_ref().unwrap();
    assert_eq!(fault.size, Some(8));
    assert_eq!(fault.access.as_deref(), Some("read"));
    assert_eq!(fault.address, Some(VirtAddr(0xffff_8880_1234_5678)));

    let event = read(
        "WARNING: CPU: 0 PID: 1 at f.c:1 f+0x1/0x2\n\
         Kernel panic - not syncing: panic_on_warn set ...\n\
         Call Trace:\n\
         \x20do_invalid_op+0x1b/0x20\n\
         \x20invalid_op+0x1b/0x40\n\
         RIP: 0010:f+0x1/0x2",
    );
    assert_eq!(event.registers[0].whose, "kernel");
}

#[test]
fn the_fault_of_a_process_is_one_line() {
    let event = read(
        "a.out[77]: segfault at 8 ip 000000000040113a sp 00007ffd01020304 error 6 \
         in a.out[401000+1000] likely on CPU 1 (core 1, socket 0)\n\
         Code: 55 48 89 e5 <c7> 00 01",
    );
    let set = &event.registers[0];
    assert_eq!(set.whose, "user");
    assert_eq!(set.get("rip"), Some(0x40_113a));
    assert_eq!(set.get("rsp"), Some(0x7ffd_0102_0304));
    let fault = event.fault.as_ref().unwrap();
    assert_eq!(fault.code, Some(VirtAddr(6)));
    assert_eq!(fault.address, Some(VirtAddr(8)));
    assert_eq!(code(&event).1, Some(4));

    let event = read(
        "traps: a.out[78] trap invalid opcode ip:55d0a1b2c139 sp:7ffd01020304 error:0 \
         in a.out[55d0a1b2c000+1000]",
    );
    let fault = event.fault.as_ref().unwrap();
    assert_eq!(fault.code_kind.as_deref(), Some("x86 invalid opcode"));
}
