//! Register dumps of loongarch64.

use base::VirtAddr;

use super::{code, read};

pub const OOPS: &str = "\
CPU 1 Unable to handle kernel paging request at virtual address 0000000000000318, era == ffff800002014024, ra == 9000000000220a98
Oops[#1]:
CPU: 1 PID: 210 Comm: insmod Tainted: G           O       6.6.0 #1
Hardware name: QEMU QEMU Virtual Machine, BIOS unknown 2/2/2022
pc ffff800002014024 ra 9000000000220a98 tp 90000001016b0000 sp 90000001016b3b60
a0 0000000000000000 a1 0000000000000300 a2 0000000000000000 a3 0000000000000000
a4 0000000000000000 a5 0000000000000000 a6 0000000000000000 a7 0000000000000000
t0 0000000000000001 t1 0000000000000000 t2 0000000000000000 t3 0000000000000000
t4 0000000000000000 t5 0000000000000000 t6 0000000000000000 t7 0000000000000000
t8 0000000000000000 u0 0000000000000000 s9 0000000000000009 s0 ffff800002014000
s1 0000000000000000 s2 0000000000000000 s3 0000000000000000 s4 0000000000000000
s5 0000000000000000 s6 0000000000000000 s7 0000000000000000 s8 0000000000000008
   ra: 9000000000220a98 do_one_initcall+0x78/0x1c0
  ERA: ffff800002014024 demo_init+0x24/0x1000 [demo]
 CRMD: 000000b0 (PLV0 -IE -DA +PG DACF=CC DACM=CC -WE)
 PRMD: 00000004 (PPLV0 +PIE -PWE)
 EUEN: 00000000 (-FPE -SXE -ASXE -BTE)
 ECFG: 00071c1c (LIE=2-4,10-12 VS=7)
ESTAT: 00020000 [PIS] (IS= ECode=2 EsubCode=0)
 BADV: 0000000000000318
 PRID: 0014c010 (Loongson-64bit, Loongson-3A5000)
Modules linked in: demo(O+)
Process insmod (pid: 210, threadinfo=00000000abcdef01, task=00000000abcdef02)
Stack : 0000000000000000 9000000000220a98 0000000000000001 0000000000000000
        0000000000000000 0000000000000002
        ...
Call Trace:
[<ffff800002014024>] demo_init+0x24/0x1000 [demo]
Code: 02ffc063  29c02076  02c0c076 <29806080> 28c02076  02c04063
";

#[test]
fn a_store_to_an_invalid_page() {
    let event = read(OOPS);
    assert_eq!(event.machine.arch.as_deref(), Some("loongarch64"));
    let [set] = event.registers.as_slice() else {
        panic!("{} sets", event.registers.len());
    };
    assert_eq!(set.whose, "kernel");
    // pc and r1 to r31, the exception's address and six control registers.
    assert_eq!(set.registers.len(), 32 + 1 + 7);
    assert_eq!(set.get("a1"), Some(0x300));
    assert_eq!(set.get("fp"), Some(9));
    assert_eq!(set.get("s8"), Some(8));
    assert_eq!(set.get("prmd"), Some(4));
    let pc = set.pc.as_ref().unwrap();
    assert_eq!(pc.function.as_deref(), Some("demo_init"));
    assert_eq!(pc.pc, Some(VirtAddr(0xffff_8000_0201_4024)));
    assert_eq!(set.link.as_ref().unwrap().offset, Some(0x78));
    let fault = event.fault.as_ref().unwrap();
    assert_eq!(fault.address, Some(VirtAddr(0x318)));
    assert_eq!(fault.address_source.as_deref(), Some("BADV"));
    assert_eq!(fault.code, Some(VirtAddr(0x2_0000)));
    assert_eq!(fault.code_kind.as_deref(), Some("ESTAT"));
    assert_eq!(fault.words, ["PIS"]);
    assert_eq!(event.stack_words.len(), 6);
    assert_eq!(code(&event).1, Some(3));
    assert_eq!(
        event.detail("PRID"),
        Some("Loongson-64bit, Loongson-3A5000")
    );
    assert_eq!(event.gaps, []);
}
