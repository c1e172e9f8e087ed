//! Register dumps of s390x.

use base::{Endian, VirtAddr};

use super::{code, read};

pub const OOPS: &str = "\
Unable to handle kernel pointer dereference in virtual kernel address space
Failing address: 0000000000000000 TEID: 0000000000000887
Fault in home space mode while using kernel ASCE.
AS:00000000015d8007 R3:00000000fffe4007 S:00000000fffe3800 P:000000000000013d \n\
Oops: 0004 ilc:2 [#1] SMP \n\
Modules linked in: demo(O+)
CPU: 0 UID: 0 PID: 60 Comm: insmod Tainted: G           O       6.12.0 #1
Hardware name: QEMU 8561 QEMU (KVM/Linux)
Krnl PSW : 0704c00180000000 000003ff7ff5d02e (demo_init+0x2e/0x1000 [demo])
           R:0 T:1 IO:1 EX:1 Key:0 M:1 W:0 P:0 AS:3 CC:0 PM:0 RI:0 EA:3
Krnl GPRS: 0000000000000000 0000000000000300 0000000000000001 0000000000000000
           000003ff7ff5d000 00000000000f0cc0 0000000000000000 0000000000000000
           0000000000000000 000003ff7ff61000 00000000806a2100 0000000000000000
           0000000000000000 000003ff7ff5d000 00000000001008e4 00000380002f7ad0
Krnl Code: 000003ff7ff5d020: 41f0ff58            lay     %r15,-168(%r15)
           000003ff7ff5d024: e3e0f0980024        stg     %r14,152(%r15)
          #000003ff7ff5d02a: a7190300            lghi    %r1,768
          >000003ff7ff5d02e: 50201018            st      %r2,24(%r1)
           000003ff7ff5d032: 07fe                bcr     15,%r14
Call Trace:
 [<000003ff7ff5d02e>] demo_init+0x2e/0x1000 [demo]
Last Breaking-Event-Address:
 [<00000000001008de>] do_one_initcall+0x46/0x2b0
Kernel panic - not syncing: Fatal exception: panic_on_oops
";

#[test]
fn a_protection_exception() {
    let event = read(OOPS);
    assert_eq!(event.machine.arch.as_deref(), Some("s390x"));
    assert_eq!(event.machine.endian, Some(Endian::Big));
    let [set] = event.registers.as_slice() else {
        panic!("{} sets", event.registers.len());
    };
    assert_eq!(set.whose, "kernel");
    assert_eq!(set.get("r1"), Some(0x300));
    assert_eq!(set.get("r15"), Some(0x380_002f_7ad0));
    assert_eq!(set.get("pswm"), Some(0x0704_c001_8000_0000));
    assert_eq!(set.get("last_break"), Some(0x10_08de));
    let pc = set.pc.as_ref().unwrap();
    assert_eq!(pc.pc, Some(VirtAddr(0x3ff_7ff5_d02e)));
    assert_eq!(pc.function.as_deref(), Some("demo_init"));
    assert_eq!(pc.module.as_deref(), Some("demo"));
    let fault = event.fault.as_ref().unwrap();
    assert_eq!(fault.address, Some(VirtAddr(0)));
    assert_eq!(fault.address_source.as_deref(), Some("TEID"));
    assert_eq!(fault.code, Some(VirtAddr(4)));
    assert_eq!(fault.code_kind.as_deref(), Some("program interruption"));
    assert_eq!(event.detail("TEID"), Some("0000000000000887"));
    assert_eq!(event.detail("ilc"), Some("2"));
    let (units, marked) = code(&event);
    assert_eq!(units.len(), 2 + 3 + 2 + 2 + 1);
    assert_eq!(marked, Some(7));
    assert_eq!(units[7..9], [0x5020, 0x1018]);
    assert_eq!(event.gaps, []);
}

#[test]
fn user_registers_are_told_apart() {
    let event = read(
        "User process fault: interruption code 003b ilc:2 in a.out[1000000+1000]\n\
         Failing address: 0000000000000000 TEID: 0000000000000800\n\
         Fault in primary space mode while using user ASCE.\n\
         User PSW : 0705000180000000 00000000010006f4\n\
         \x20          R:0 T:1 IO:1 EX:1 Key:0 M:1 W:0 P:1 AS:0 CC:0 PM:0 RI:0 EA:3\n\
         User GPRS: 0000000000000000 0000000000000300 0000000000000001 0000000000000000",
    );
    let set = &event.registers[0];
    assert_eq!(set.whose, "user");
    assert_eq!(set.get("pswa"), Some(0x100_06f4));
    assert_eq!(event.fault.as_ref().unwrap().code, Some(VirtAddr(0x3b)));
}
