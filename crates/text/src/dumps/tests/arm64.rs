//! Register dumps of arm64.

use base::VirtAddr;

use super::{code, read};

pub const DATA_ABORT: &str = "\
Unable to handle kernel NULL pointer dereference at virtual address 0000000000000318
Mem abort info:
  ESR = 0x0000000096000044
  EC = 0x25: DABT (current EL), IL = 32 bits
  SET = 0, FnV = 0
  EA = 0, S1PTW = 0
  FSC = 0x04: level 0 translation fault
Data abort info:
  ISV = 0, ISS = 0x00000044, ISS2 = 0x00000000
  CM = 0, WnR = 1, TnD = 0, TagAccess = 0
user pgtable: 4k pages, 48-bit VAs, pgdp=0000000104a3d000
[0000000000000318] pgd=0000000000000000, p4d=0000000000000000
Internal error: Oops: 0000000096000044 [#1] SMP
Modules linked in: demo(O+)
CPU: 1 PID: 312 Comm: insmod Tainted: G           O       6.6.0 #1
Hardware name: linux,dummy-virt (DT)
pstate: 60400005 (nZCv daif +PAN -UAO -TCO -DIT -SSBS BTYPE=--)
pc : demo_init+0x1c/0xff0 [demo]
lr : do_one_initcall+0x60/0x290
sp : ffff80008023bb20
x29: ffff80008023bb20 x28: 0000000000000000 x27: 0000000000000000
x26: ffffa5d0f6b1b0a8 x25: ffffa5d0f6b1b000 x24: 0000000000000001
x2 : 0000000000000000 x1 : 0000000000000300 x0 : 0000000000000318
Call trace:
 demo_init+0x1c/0xff0 [demo]
 do_one_initcall+0x60/0x290
Code: d503233f a9bf7bfd 910003fd d2806300 (b900001f)
---[ end trace 0000000000000000 ]---
";

#[test]
fn a_data_abort_of_today() {
    let event = read(DATA_ABORT);
    assert_eq!(event.machine.arch.as_deref(), Some("arm64"));
    let [set] = event.registers.as_slice() else {
        panic!("{} sets", event.registers.len());
    };
    assert_eq!(set.whose, "kernel");
    assert_eq!(set.get("x1"), Some(0x300));
    assert_eq!(set.get("x29"), Some(0xffff_8000_8023_bb20));
    assert_eq!(set.get("sp"), Some(0xffff_8000_8023_bb20));
    assert_eq!(set.get("pstate"), Some(0x6040_0005));
    assert_eq!(set.registers.len(), 11);
    assert_eq!(set.pc.as_ref().unwrap().module.as_deref(), Some("demo"));
    assert_eq!(set.link.as_ref().unwrap().offset, Some(0x60));
    let fault = event.fault.as_ref().unwrap();
    assert_eq!(fault.address, Some(VirtAddr(0x318)));
    assert_eq!(fault.address_source.as_deref(), Some("FAR"));
    assert_eq!(fault.code, Some(VirtAddr(0x9600_0044)));
    assert_eq!(fault.code_kind.as_deref(), Some("ESR"));
    assert_eq!(fault.access.as_deref(), Some("write"));
    assert_eq!(
        fault.words,
        [
            "DABT (current EL), IL = 32 bits",
            "level 0 translation fault"
        ]
    );
    assert_eq!(code(&event).1, Some(4));
    assert_eq!(event.gaps, []);
}

#[test]
fn an_oops_of_4_9() {
    let event = read(
        "Unable to handle kernel paging request at virtual address dead000000000108\n\
         pgd = ffffffc055663000\n\
         Internal error: Oops: 96000044 [#1] PREEMPT SMP\n\
         CPU: 6 PID: 1942 Comm: demo Not tainted 4.9.232 #1\n\
         task: ffffffc055663000 task.stack: ffffffc01ec84000\n\
         PC is at demo_del+0x24/0x48\n\
         LR is at demo_open+0x34/0x48\n\
         pc : [<ffffff90080ed900>] lr : [<ffffff90080ed944>] pstate: 60400145\n\
         sp : ffffffc01ec87ea0\n\
         x29: ffffffc01ec87ea0 x28: ffffffc055663000 \n\
         x1 : dead000000000100 x0 : 00000000deadbeef \n\
         \n\
         Process demo (pid: 1942, stack limit = 0xffffffc01ec84000)\n\
         Stack: (0xffffffc01ec87ea0 to 0xffffffc01ec88000)\n\
         7ea0: ffffffc01ec87ec0 ffffff9008084200 0000000000000000 ffffffff00000000\n\
         Call trace:\n\
         [<ffffff90080ed900>] demo_del+0x24/0x48\n\
         Code: f9400020 f9000420 (f9000401) d65f03c0 ",
    );
    let set = &event.registers[0];
    assert_eq!(event.registers.len(), 1);
    let pc = set.pc.as_ref().unwrap();
    assert_eq!(pc.function.as_deref(), Some("demo_del"));
    assert_eq!(pc.pc, Some(VirtAddr(0xffff_ff90_080e_d900)));
    assert_eq!(set.get("pc"), Some(0xffff_ff90_080e_d900));
    assert_eq!(set.get("lr"), Some(0xffff_ff90_080e_d944));
    assert_eq!(set.get("pstate"), Some(0x6040_0145));
    assert_eq!(set.get("x0"), Some(0xdead_beef));
    assert_eq!(event.stack_words.len(), 4);
    assert_eq!(
        event.fault.as_ref().unwrap().code,
        Some(VirtAddr(0x9600_0044))
    );
}

#[test]
fn user_registers_are_told_apart() {
    let event = read(
        "a.out[77]: unhandled exception: DABT (lower EL), ESR 0x0000000092000046, \
         level 2 translation fault in a.out[aaaaaaaa0000+1000]\n\
         CPU: 0 PID: 77 Comm: a.out Not tainted 6.6.0 #1\n\
         pstate: 60001000 (nZCv daif -PAN -UAO -TCO -DIT +SSBS BTYPE=--)\n\
         pc : 0000aaaaaaaa0754\n\
         lr : 0000ffff9a2c7740\n\
         sp : 0000ffffd5c0a2e0\n\
         x1 : 0000000000000000 x0 : 0000000000000008",
    );
    let set = &event.registers[0];
    assert_eq!(set.whose, "user");
    assert_eq!(set.get("pc"), Some(0xaaaa_aaaa_0754));
    let fault = event.fault.as_ref().unwrap();
    assert_eq!(fault.code, Some(VirtAddr(0x9200_0046)));
    assert_eq!(
        fault.words,
        ["DABT (lower EL)", "level 2 translation fault"]
    );
}

#[test]
fn other_aborts_hold_the_syndrome_in_their_headline() {
    let event = read(
        "SError Interrupt on CPU0, code 0x00000000be000011 -- SError\n\
         pstate: 60000005 (nZCv daif -PAN)\npc : f+0x0/0x10",
    );
    let fault = event.fault.as_ref().unwrap();
    assert_eq!(fault.code, Some(VirtAddr(0xbe00_0011)));
    let event = read(
        "Unhandled fault: alignment fault (0x96000021) at 0xffff800008123459\n\
         pstate: 60000005 (nZCv daif -PAN)",
    );
    let fault = event.fault.as_ref().unwrap();
    assert_eq!(fault.code, Some(VirtAddr(0x9600_0021)));
    assert_eq!(fault.address, Some(VirtAddr(0xffff_8000_0812_3459)));
    assert_eq!(fault.words, ["alignment fault"]);
}
