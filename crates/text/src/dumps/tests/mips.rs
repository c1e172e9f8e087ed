//! Register dumps of MIPS, of both widths.

use base::VirtAddr;

use super::{code, read, read_file};

#[test]
fn an_oops_that_lost_its_indentation_is_read_in_full() {
    let event = read_file("bonding-rlb-oops.mips64.log", 1..=52);
    assert_eq!(event.machine.arch.as_deref(), Some("mips64"));
    let [set] = event.registers.as_slice() else {
        panic!("{} sets", event.registers.len());
    };
    assert_eq!(set.whose, "kernel");
    for (name, value) in [
        ("zero", 0),
        ("at", 0xffff_ffff_808b_1da0),
        ("v0", 0x300),
        ("v1", 0x30),
        ("a0", 0),
        ("a1", 0xa800_0000_029d_2160),
        ("a2", 0x2e),
        ("a3", 0xa800_0000_0255_9000),
        ("a4", 0xa800_0000_029d_2140),
        ("a5", 1),
        ("a6", 0),
        ("a7", 0x18),
        ("t0", 0),
        ("t1", 0x1000_001f),
        ("t2", 0xa800_0000_3118_0000),
        ("t3", 0),
        ("s0", 0xa800_0000_029d_214e),
        ("s1", 0x300),
        ("s2", 0xa800_0000_012d_1600),
        ("s3", 0xa800_0000_029c_8580),
        ("s4", 0xa800_0000_012d_1870),
        ("s5", 0xffff_ffff_8124_08e8),
        ("s6", 0x806),
        ("s7", 0),
        ("t8", 0x2b1),
        ("t9", 0x55_5d58_87b0),
        ("gp", 0xffff_ffff_811c_4000),
        ("sp", 0xffff_ffff_811c_7970),
        ("s8", 0xffff_ffff_811c_7970),
        ("ra", 0xffff_ffff_c044_59dc),
        ("hi", 0),
        ("lo", 0),
        ("epc", 0xffff_ffff_c044_5a10),
        ("status", 0x1010_cce3),
        ("cause", 0x0080_0008),
        ("badva", 0x318),
        ("prid", 0x000d_9202),
    ] {
        assert_eq!(set.get(name), Some(value), "{name}");
    }
    // The kernel leaves its scratch registers k0 and k1 blank.
    assert_eq!(set.registers.len(), 37);
    let pc = set.pc.as_ref().unwrap();
    assert_eq!(pc.function.as_deref(), Some("rlb_arp_recv"));
    assert_eq!((pc.offset, pc.size), (Some(0x128), Some(0x228)));
    assert_eq!(pc.module.as_deref(), Some("bonding"));
    assert_eq!(set.link.as_ref().unwrap().offset, Some(0xf4));
    let fault = event.fault.as_ref().unwrap();
    assert_eq!(fault.address, Some(VirtAddr(0x318)));
    assert_eq!(fault.address_source.as_deref(), Some("BadVA"));
    assert_eq!(fault.code, Some(VirtAddr(0x0080_0008)));
    assert_eq!(fault.code_kind.as_deref(), Some("Cause"));
    let (units, marked) = code(&event);
    assert_eq!(
        units,
        [
            0xde44_0268,
            0x7043_1003,
            0x0082_882d,
            0x9223_0018,
            0x1060_0007,
            0x3c02_808b,
            0x8a02_0018,
            0x8e23_0000,
            0x9a02_001b
        ]
    );
    assert_eq!(marked, Some(3));
    assert_eq!(event.stack_words.len(), 40);
    assert_eq!(event.stack_words[0], VirtAddr(3));
    assert_eq!(event.stack_words[39], VirtAddr(0x8001_6700_0000_0100));
    assert_eq!(event.gaps, []);
}

#[test]
fn the_octeon_watchdog_dump_is_a_set_of_its_own() {
    let event = read_file("bonding-rlb-oops.mips64.log", 52..=80);
    let [set] = event.registers.as_slice() else {
        panic!("{} sets", event.registers.len());
    };
    assert_eq!(set.whose, "CPU 1");
    assert_eq!(set.registers.len(), 32 + 4);
    assert_eq!(set.get("at"), Some(0xffff_ffff_8034_71bc));
    assert_eq!(set.get("a4"), Some(0x800));
    assert_eq!(set.get("t0"), Some(0));
    assert_eq!(set.get("k0"), Some(0));
    assert_eq!(set.get("ra"), Some(0xffff_ffff_802d_bc18));
    assert_eq!(set.get("status"), Some(0x1058_cce4));
    assert_eq!(set.get("cause"), Some(0x4080_8800));
    let pc = set.pc.as_ref().unwrap();
    assert_eq!(pc.pc, Some(VirtAddr(0xffff_ffff_802d_24e0)));
    assert!(event.fault.is_none());

    let whole = read_file("bonding-rlb-oops.mips64.log", 1..=80);
    let whose: Vec<_> = whole.registers.iter().map(|s| s.whose.as_str()).collect();
    assert_eq!(whose, ["kernel", "CPU 1"]);
}

/// As a 32-bit kernel prints it, with a register lost to damage.
pub const O32: &str = "\
CPU 0 Unable to handle kernel paging request at virtual address 0000001c, epc == 80201234, ra == 80205678
Oops[#1]:
CPU: 0 PID: 77 Comm: insmod Not tainted 4.14.0 #1
$ 0   : 00000000 80470000 00000018 8781a000
$ 4   : 878b3c00 00000\u{fffd}01 00000002 00000003
$ 8   : 00000010 0000fffe 00000000 ffffffff
$12   : 00000001 00000000 00000000 00000400
$16   : 87001000 878b3c00 80470000 80470000
$20   : 00000000 00000001 00000002 00000003
$24   : 00000000 80201200                  \n\
$28   : 87890000 87891e30 00000000 80205678
Hi    : 00000001
Lo    : 66666666
epc   : 80201234 demo_init+0x34/0x80 [demo]
ra    : 80205678 do_one_initcall+0x58/0x1c0
Status: 1100fc03	KERNEL EXL IE \n\
Cause : 00800008 (ExcCode 02)
BadVA : 0000001c
PrId  : 00019374 (MIPS 24Kc)
Stack : 00000000 87891e58 00000001 00000002 00000003 00000004 00000005 00000006
        80470000 (Bad stack address)
Code: 24020001  00801025  8c430000 <8c63001c> 00000000
";

#[test]
fn a_32_bit_kernel_has_the_names_of_o32() {
    let event = read(O32);
    assert_eq!(event.machine.arch.as_deref(), Some("mips"));
    let set = &event.registers[0];
    assert_eq!(set.get("a0"), Some(0x878b_3c00));
    assert_eq!(set.get("a1"), None);
    assert_eq!(set.get("a2"), Some(2));
    assert_eq!(set.get("t0"), Some(0x10));
    assert_eq!(set.get("t7"), Some(0x400));
    assert_eq!(set.get("t9"), Some(0x8020_1200));
    assert_eq!(event.gaps[0].what, "register a1");
    assert_eq!(event.fault.as_ref().unwrap().address, Some(VirtAddr(0x1c)));
    assert_eq!(event.stack_words.len(), 9);
    assert_eq!(code(&event).1, Some(3));
    assert_eq!(event.detail("PrId"), Some("MIPS 24Kc"));
    assert_eq!(event.detail("Status"), Some("KERNEL EXL IE"));
}

#[test]
fn a_watchdog_dump_is_read_without_its_tabs() {
    let event = read(
        "*** NMI Watchdog interrupt on Core 0x02 ***\n\
         $00x0000000000000000at0xffffffff803471bc\n\
         v00x0000000000000001v10x000000000000000",
    );
    let set = &event.registers[0];
    assert_eq!(set.get("at"), Some(0xffff_ffff_8034_71bc));
    assert_eq!(set.get("v0"), Some(1));
    assert_eq!(set.get("v1"), None);
}
