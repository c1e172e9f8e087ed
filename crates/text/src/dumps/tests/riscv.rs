//! Register dumps of riscv.

use base::VirtAddr;

use super::{code, read};

pub const OOPS: &str = "\
Unable to handle kernel NULL pointer dereference at virtual address 0000000000000318
Oops [#1]
Modules linked in: demo(O+)
CPU: 2 PID: 95 Comm: insmod Tainted: G           O       6.6.0 #1
Hardware name: riscv-virtio,qemu (DT)
epc : demo_init+0x14/0x1000 [demo]
 ra : do_one_initcall+0x5c/0x1d0
epc : ffffffff01624014 ra : ffffffff800020a4 sp : ff20000000543b40
 gp : ffffffff814fde38 tp : ff60000002b3a1c0 t0 : ffffffff80c04e68
 t1 : 0000000000000018 t2 : 0000000000000000 s0 : ff20000000543b80
 s1 : 0000000000000000 a0 : 0000000000000000 a1 : 0000000000000300
 a2 : 0000000000000000 a3 : 0000000000000000 a4 : 0000000000000000
 a5 : 0000000000000318 a6 : 0000000000000000 a7 : 0000000000000000
 s2 : ffffffff01624000 s3 : ff60000002b3a1c0 s4 : 0000000000000000
 s5 : 0000000000000000 s6 : 0000000000000000 s7 : 0000000000000000
 s8 : 0000000000000000 s9 : 0000000000000000 s10: 0000000000000000
 s11: 0000000000000000 t3 : 0000000000000000 t4 : 0000000000000000
 t5 : 0000000000000000 t6 : 0000000000000000
status: 0000000200000120 badaddr: 0000000000000318 cause: 000000000000000f
[<ffffffff01624014>] demo_init+0x14/0x1000 [demo]
[<ffffffff800020a4>] do_one_initcall+0x5c/0x1d0
Code: 1141 e422 0800 0793 3180 (a023) 0007
---[ end trace 0000000000000000 ]---
";

#[test]
fn a_store_page_fault() {
    let event = read(OOPS);
    assert_eq!(event.machine.arch.as_deref(), Some("riscv64"));
    let [set] = event.registers.as_slice() else {
        panic!("{} sets", event.registers.len());
    };
    assert_eq!(set.whose, "kernel");
    assert_eq!(set.registers.len(), 32 + 3);
    assert_eq!(set.get("a5"), Some(0x318));
    assert_eq!(set.get("s11"), Some(0));
    assert_eq!(set.get("status"), Some(0x2_0000_0120));
    let pc = set.pc.as_ref().unwrap();
    assert_eq!(pc.function.as_deref(), Some("demo_init"));
    assert_eq!(pc.pc, Some(VirtAddr(0xffff_ffff_0162_4014)));
    assert_eq!(set.link.as_ref().unwrap().offset, Some(0x5c));
    let fault = event.fault.as_ref().unwrap();
    assert_eq!(fault.address, Some(VirtAddr(0x318)));
    assert_eq!(fault.address_source.as_deref(), Some("stval"));
    assert_eq!(fault.code, Some(VirtAddr(0xf)));
    assert_eq!(fault.code_kind.as_deref(), Some("scause"));
    assert_eq!(fault.access.as_deref(), Some("write"));
    let (units, marked) = code(&event);
    assert_eq!((units[5], marked), (0xa023, Some(5)));
    assert_eq!(event.gaps, []);
}

#[test]
fn user_registers_are_told_apart_and_a_breakpoint_is_no_fault() {
    let event = read(
        "a.out[95]: unhandled signal 11 code 0x1 at 0x0000000000000008 in a.out[2aaaaaa000+1000]\n\
         epc : 0000002aaaaaa654 ra : 0000003f8cc5a2b4 sp : 0000003fffb4a9d0\n\
         \x20gp : 0000002aaaaac800 tp : 0000003f8cde1780 t0 : 0000003f8cc50000\n\
         status: 0000000200004020 badaddr: 0000000000000008 cause: 000000000000000d",
    );
    assert_eq!(event.registers[0].whose, "user");
    let fault = event.fault.as_ref().unwrap();
    assert_eq!(fault.address, Some(VirtAddr(8)));
    assert_eq!(fault.access.as_deref(), Some("read"));

    let event = read("status: 0000000200000120 badaddr: 0000000000000000 cause: 0000000000000003");
    assert!(event.fault.is_none());
}
