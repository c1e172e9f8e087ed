//! Register dumps of arm (32 bits).

use base::{Endian, VirtAddr};

use super::{code, read};

pub const OOPS: &str = "\
8<--- cut here ---
Unable to handle kernel NULL pointer dereference at virtual address 00000318 when write
[00000318] *pgd=00000000
Internal error: Oops: 805 [#1] SMP ARM
Modules linked in: demo(O+)
CPU: 0 PID: 118 Comm: insmod Tainted: G           O       6.6.0 #1
Hardware name: Generic DT based system
PC is at demo_init+0x1c/0x1000 [demo]
LR is at do_one_initcall+0x54/0x200
pc : [<bf00501c>]    lr : [<c0101f54>]    psr: 600f0013
sp : e0a31d90  ip : 00000000  fp : c1804e80
r10: 00000000  r9 : c0e04f48  r8 : bf002000
r7 : 00000000  r6 : bf005000  r5 : c1804e80  r4 : 00000300
r3 : 00000000  r2 : 00000001  r1 : 00000000  r0 : 00000000
Flags: nZCv  IRQs on  FIQs on  Mode SVC_32  ISA ARM  Segment none
Control: 10c5387d  Table: 4180806a  DAC: 00000051
Register r4 information: non-paged memory
Register r5 information: slab task_struct start c1804e80 pointer offset 0 size 1024
Process insmod (pid: 118, stack limit = 0x(ptrval))
Stack: (0xe0a31d98 to 0xe0a32000)
1d80:                                                       c0101f54 00000dc0
1da0: c0e04f48 c1804e80 00000000 00000000 00000000 00000000 00000000 00000000
Backtrace: \n\
 demo_init [demo] from do_one_initcall+0x54/0x200
 r10:84e00c00 r9:20000000
Code: e3a03000 e3a02001 (e5842018) e12fff1e \n\
---[ end trace 0000000000000000 ]---
";

#[test]
fn an_oops_of_today() {
    let event = read(OOPS);
    assert_eq!(event.machine.arch.as_deref(), Some("arm"));
    assert_eq!(event.machine.endian, Some(Endian::Little));
    let [set] = event.registers.as_slice() else {
        panic!("{} sets", event.registers.len());
    };
    assert_eq!(set.get("r4"), Some(0x300));
    assert_eq!(set.get("r10"), Some(0));
    assert_eq!(set.get("fp"), Some(0xc180_4e80));
    assert_eq!(set.get("psr"), Some(0x600f_0013));
    assert_eq!(set.registers.len(), 17);
    let pc = set.pc.as_ref().unwrap();
    assert_eq!(pc.function.as_deref(), Some("demo_init"));
    assert_eq!(pc.pc, Some(VirtAddr(0xbf00_501c)));
    let fault = event.fault.as_ref().unwrap();
    assert_eq!(fault.address, Some(VirtAddr(0x318)));
    assert_eq!(fault.address_source.as_deref(), Some("FAR"));
    assert_eq!(fault.access.as_deref(), Some("write"));
    assert_eq!(fault.code, Some(VirtAddr(0x805)));
    assert_eq!(fault.code_kind.as_deref(), Some("FSR"));
    assert_eq!(event.stack_words.len(), 10);
    assert_eq!(event.stack_words[0], VirtAddr(0xc010_1f54));
    assert_eq!(
        event.detail("register r5"),
        Some("slab task_struct start c1804e80 pointer offset 0 size 1024")
    );
    assert_eq!(code(&event).1, Some(2));
    assert_eq!(event.gaps, []);
}

#[test]
fn thumb_code_is_halfwords() {
    let event = read(
        "Internal error: Oops - undefined instruction: 0 [#1] SMP THUMB2\n\
         PC is at f+0x4/0x8\n\
         pc : [<c0101000>]    lr : [<c0102000>]    psr: 60000033\n\
         Code: 4770 bf00 b500 (de02) 4620 ",
    );
    let (units, marked) = code(&event);
    assert_eq!((units[3], marked), (0xde02, Some(3)));
    assert!(event.fault.is_none());
}

#[test]
fn an_external_abort_names_its_fault() {
    let event = read(
        "8<--- cut here ---\n\
         Unhandled fault: imprecise external abort (0x1406) at 0x00a3b150\n\
         PC is at f+0x4/0x8",
    );
    let fault = event.fault.as_ref().unwrap();
    assert_eq!(fault.code, Some(VirtAddr(0x1406)));
    assert_eq!(fault.address, Some(VirtAddr(0xa3_b150)));
    assert_eq!(fault.words, ["imprecise external abort"]);
}
