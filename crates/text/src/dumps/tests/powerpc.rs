//! Register dumps of powerpc, of both widths.

use base::{Endian, VirtAddr};

use super::{code, read};

pub const PPC64: &str = "\
BUG: Kernel NULL pointer dereference on write at 0x00000318
Faulting instruction address: 0xc008000000b4003c
Oops: Kernel access of bad area, sig: 11 [#1]
LE PAGE_SIZE=64K MMU=Radix SMP NR_CPUS=2048 NUMA pSeries
Modules linked in: demo(O+)
CPU: 3 PID: 540 Comm: insmod Tainted: G           O       6.6.0 #1
Hardware name: IBM pSeries (emulated by qemu) POWER9 (raw) 0x4e1202 0xf000005 of:SLOF,HEAD pSeries
NIP:  c008000000b4003c LR: c000000000011c64 CTR: c008000000b40008
REGS: c00000000b0d7770 TRAP: 0300   Tainted: G           O        (6.6.0)
MSR:  800000000280b033 <SF,VEC,VSX,EE,FP,ME,IR,DR,RI,LE>  CR: 88002282  XER: 20040000
CFAR: c000000000011c60 DAR: 0000000000000318 DSISR: 42000000 IRQMASK: 0 \n\
GPR00: c000000000011c4c c00000000b0d7a10 c000000001a45600 0000000000000000 \n\
GPR04: 0000000000000cc0 0000000000000300 0000000000000000 0000000000000001 \n\
GPR28: 0000000000000000 c008000000b42000 c008000000b40008 0000000000000318 \n\
NIP [c008000000b4003c] demo_init+0x34/0x1000 [demo]
LR [c000000000011c64] do_one_initcall+0x84/0x330
Call Trace:
[c00000000b0d7a10] [c000000000011c4c] do_one_initcall+0x6c/0x330 (unreliable)
[c00000000b0d7e10] [c00000000000c6d4] system_call_vectored_common+0xf4/0x26c
--- interrupt: 3000 at 0x7fff9a13e6f4
NIP:  00007fff9a13e6f4 LR: 0000000000000000 CTR: 0000000000000000
REGS: c00000000b0d7e80 TRAP: 3000   Tainted: G           O        (6.6.0)
MSR:  800000000000d033 <SF,EE,PR,ME,IR,DR,RI,LE>  CR: 48002248  XER: 00000000
IRQMASK: 0 \n\
GPR00: 000000000000017b 00007fffd0a5d0f0 00007fff9a227000 0000000000000003 \n\
NIP [00007fff9a13e6f4] 0x7fff9a13e6f4
LR [0000000000000000] 0x0
--- interrupt: 3000
Instruction dump:
XXXXXXXX XXXXXXXX XXXXXXXX XXXXXXXX 3c4c0001 3842c5f8 7c0802a6 60000000 \n\
38600000 39200318 39400001 <91490000> 4e800020 60000000 00000000 00000000 \n\
---[ end trace 0000000000000000 ]---
";

#[test]
fn a_data_storage_interrupt_of_ppc64le() {
    let event = read(PPC64);
    assert_eq!(event.machine.arch.as_deref(), Some("ppc64"));
    assert_eq!(event.machine.endian, Some(Endian::Little));
    let whose: Vec<_> = event.registers.iter().map(|s| s.whose.as_str()).collect();
    assert_eq!(whose, ["kernel", "user"]);
    let set = &event.registers[0];
    assert_eq!(set.get("r31"), Some(0x318));
    assert_eq!(set.get("r5"), Some(0x300));
    assert_eq!(set.get("cr"), Some(0x8800_2282));
    assert_eq!(set.get("xer"), Some(0x2004_0000));
    assert_eq!(set.get("trap"), Some(0x300));
    assert_eq!(set.get("cfar"), Some(0xc000_0000_0001_1c60));
    let pc = set.pc.as_ref().unwrap();
    assert_eq!(pc.pc, Some(VirtAddr(0xc008_0000_00b4_003c)));
    assert_eq!(pc.function.as_deref(), Some("demo_init"));
    let link = set.link.as_ref().unwrap();
    assert_eq!(link.function.as_deref(), Some("do_one_initcall"));
    let fault = event.fault.as_ref().unwrap();
    assert_eq!(fault.address, Some(VirtAddr(0x318)));
    assert_eq!(fault.address_source.as_deref(), Some("DAR"));
    assert_eq!(fault.code, Some(VirtAddr(0x4200_0000)));
    assert_eq!(fault.code_kind.as_deref(), Some("DSISR"));
    assert_eq!(fault.access.as_deref(), Some("write"));
    // What could not be read is no code; the mark is where the counter points.
    let (units, marked) = code(&event);
    assert_eq!(units.len(), 12);
    assert_eq!((units[7], marked), (0x9149_0000, Some(7)));
    assert_eq!(event.gaps, []);
}

#[test]
fn an_interrupt_in_the_trace_is_no_event() {
    let event = read(
        "NIP:  c00000000001003c LR: c000000000011c64 CTR: c008000000b40008\n\
         MSR:  800000000280b033 <SF,EE>  CR: 88002282  XER: 20040000\n\
         NIP [c00000000001003c] f+0x34/0x1000\n\
         Call Trace:\n\
         --- interrupt: 500 at g+0x10/0x20\n\
         NIP:  c000000000020010 LR: c000000000011c64 CTR: c008000000b40008\n\
         NIP [c000000000020010] g+0x10/0x20",
    );
    let whose: Vec<_> = event.registers.iter().map(|s| s.whose.as_str()).collect();
    assert_eq!(whose, ["kernel", "interrupted kernel"]);
}

#[test]
fn ppc32_has_eight_registers_in_a_row() {
    let event = read(
        "BUG: Kernel NULL pointer dereference on read at 0x0000001c\n\
         Faulting instruction address: 0xc01de598\n\
         Oops: Kernel access of bad area, sig: 11 [#1]\n\
         BE PAGE_SIZE=4K PREEMPT PowerMac\n\
         NIP:  c01de598 LR: c08ae9c4 CTR: 00000000\n\
         REGS: c0b4bea0 TRAP: 0300   Not tainted  (5.12.0)\n\
         MSR:  00009032 <EE,ME,IR,DR,RI>  CR: 24000228  XER: 20000000\n\
         DAR: 0000001c DSISR: 40000000 \n\
         GPR00: c08ae9c4 c0b4bf60 c0ad64e0 ef720000 00021000 00000000 00000000 00000200 \n\
         GPR08: c0ad5000 00000000 00000000 0000001c\n\
         NIP [c01de598] f+0x44/0x6c\n\
         LR [c08ae9c4] g+0xfc/0x2a4\n\
         Code: 7c0802a6 <81490000> 38831000 554a003c",
    );
    assert_eq!(event.machine.arch.as_deref(), Some("ppc"));
    assert_eq!(event.machine.endian, Some(Endian::Big));
    let set = &event.registers[0];
    assert_eq!(set.get("r11"), Some(0x1c));
    assert_eq!(set.get("r7"), Some(0x200));
    assert_eq!(code(&event).1, Some(1));
}
