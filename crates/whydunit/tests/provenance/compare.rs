//! What a specimen's author wrote before the program could follow a pointer, against what it says.
//!
//! The author's member `provenance` is looser than the program's: names without conditions around them, one
//! word where the program has a list. What the author knows of the world outside the code (who freed it, which slot
//! of the stack held it) is not asked for; of who overwrote it is counted how often the program has the name.

use serde_json::Value;

/// Whether the way back ended where it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// At the origin that the author names.
    Hit,
    /// Nowhere, or on the way to it.
    Miss,
    /// Somewhere else: worse than nowhere.
    Wrong,
}

/// Judges the end alone.
pub fn end(expected: &Value, got: &Value) -> Ended {
    let [wanted, found] = [&expected["ends"], &got["ends"]];
    if found.is_null() || found["kind"] == "unknown" {
        return Ended::Miss;
    }
    if wanted["kind"] == found["kind"] && wanted["what"] == found["what"] {
        return Ended::Hit;
    }
    // Who cannot tell which of two ways was taken names both, in whatever order, and no third.
    if expected["otherwise"] == found["what"]
        && names(&got["otherwise"], "what") == [wanted["what"].as_str().unwrap_or_default()]
    {
        return Ended::Hit;
    }
    // True, but not far enough.
    let on_the_way = [&expected["before"], &expected["base"]["what"]];
    match on_the_way.contains(&&found["what"]) {
        true => Ended::Miss,
        false => Ended::Wrong,
    }
}

/// What else the program says otherwise than the author; each difference in words.
pub fn differences(expected: &Value, got: &Value) -> Vec<String> {
    let mut found = access(expected, &got["access"]);
    let ends = &got["ends"];
    found.extend(equal("ends.value", &expected["value"], &ends["value"]));
    found.extend(equal(
        "ends.variable",
        &expected["variable"],
        &ends["variable"],
    ));
    let [element, beyond] = [&expected["element"], &ends["beyond"]];
    for (theirs, ours) in [("index", "index"), ("count", "count"), ("beyond", "holds")] {
        let name = format!("ends.beyond.{ours}");
        found.extend(equal(&name, &element[theirs], &beyond[ours]));
    }
    let is_per_cpu = |value: &Value| value["per_cpu"] == true;
    if is_per_cpu(expected) != is_per_cpu(ends) {
        found.push(format!("ends.per_cpu is {}", ends["per_cpu"]));
    }
    let others = names(&got["otherwise"], "what");
    if !others.is_empty() && ends["what"] == expected["ends"]["what"] {
        found.extend(among("otherwise", &expected["otherwise"], &others));
    }
    if expected["alone"] == true && !others.is_empty() {
        found.push(format!(
            "otherwise is {others:?}, and there is no other way"
        ));
    }
    found.extend(among(
        "through",
        &expected["before"],
        &strings(&got["through"]),
    ));
    found.extend(setters(expected, got));
    found.extend(constants(
        "handler",
        &expected["handler"],
        &got["handler"],
        &["type"],
    ));
    found.extend(constants(
        "handler.members",
        &expected["handler"]["members"],
        &got["handler"]["members"],
        &[],
    ));
    found.extend(constants(
        "passed",
        &expected["passed"],
        &got["passed"],
        &[],
    ));
    found
}

/// Whether who wrote over the value is among those who store there; none where nobody did.
pub fn names_overwriter(expected: &Value, got: &Value) -> Option<bool> {
    let wanted = expected["overwritten_by"].as_str()?;
    let mut storing = names(&got["setters"], "function");
    storing.extend(names(&got["unnamed"], "function"));
    Some(storing.contains(&wanted))
}

fn access(expected: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (name, wanted) in members(&expected["access"]) {
        found.extend(equal(&format!("access.{name}"), wanted, &got[name]));
    }
    let fetches = |value: &Value| value.as_bool().unwrap_or(false);
    if fetches(&expected["fetch"]) != fetches(&got["fetch"]) {
        found.push(format!("access.fetch is {}", got["fetch"]));
    }
    found.extend(equal(
        "access.function",
        &expected["fault_in"],
        &got["function"],
    ));
    let inlined = strings(&got["inlined"]);
    found.extend(among("access.inlined", &expected["inlined"], &inlined));
    found
}

/// Who should have set it, and under which conditions.
fn setters(expected: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let setters = names(&got["setters"], "function");
    let kind = expected["ends"]["kind"].as_str().unwrap_or_default();
    for wanted in strings(&expected["should_have_set"]) {
        let told = match kind {
            "argument" => got["passed"]["by"] == *wanted,
            // The end itself names the function that returned it.
            "return" => expected["ends"]["what"]
                .as_str()
                .is_some_and(|what| what.contains(&format!(" {wanted}("))),
            _ => false,
        };
        if !told && !setters.contains(&wanted) {
            found.push(format!("{wanted} is not among the setters {setters:?}"));
        }
    }
    let mut conditions = Vec::new();
    for setter in list(&got["setters"]) {
        guards(setter, &mut conditions);
    }
    for wanted in strings(&expected["guards"]) {
        if !conditions
            .iter()
            .any(|condition| condition.contains(wanted))
        {
            found.push(format!(
                "{wanted} is not among the conditions {conditions:?}"
            ));
        }
    }
    found
}

/// The conditions of a setter or caller, and of all who reach it.
fn guards<'a>(place: &'a Value, conditions: &mut Vec<&'a str>) {
    conditions.extend(names(&place["guards"], "condition"));
    for caller in list(&place["reached"]) {
        guards(caller, conditions);
    }
}

/// Members with numbers that may be written in either base; all of the author's, or those of `only`.
fn constants(place: &str, expected: &Value, got: &Value, only: &[&str]) -> Vec<String> {
    let number = |value: &Value| {
        let text = value.as_str()?;
        match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        }
    };
    members(expected)
        .filter(|(name, _)| only.is_empty() || only.contains(name))
        .filter(|(name, wanted)| number(wanted).is_none() || number(wanted) != number(&got[name]))
        .filter_map(|(name, wanted)| equal(&format!("{place}.{name}"), wanted, &got[name]))
        .collect()
}

/// A difference, unless the author says nothing.
fn equal(name: &str, wanted: &Value, got: &Value) -> Option<String> {
    (!wanted.is_null() && wanted != got).then(|| format!("{name} is {got} instead of {wanted}"))
}

fn among(name: &str, wanted: &Value, got: &[&str]) -> Option<String> {
    let wanted = wanted.as_str()?;
    let there = got.iter().any(|text| text.contains(wanted));
    (!there).then(|| format!("{wanted} is not among {name} {got:?}"))
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let object = value.as_object();
    object
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn strings(value: &Value) -> Vec<&str> {
    list(value).iter().filter_map(Value::as_str).collect()
}

fn names<'a>(value: &'a Value, member: &str) -> Vec<&'a str> {
    let items = list(value).iter();
    items.filter_map(|item| item[member].as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expected() -> Value {
        json!({
            "access": {"type": "struct client", "member": "assigned", "offset": 24, "size": 1, "write": false,
                "index": 16, "element_size": 48},
            "ends": {"kind": "member", "what": "struct bundle.table"},
            "should_have_set": ["initialize"],
            "guards": ["enabled"],
            "handler": {"type": "struct handler", "members": {"func": "receive", "dev": "NULL", "type": "0x806"}}
        })
    }

    fn got() -> Value {
        json!({
            "access": {"function": "update", "type": "struct client", "member": "assigned", "offset": 24, "size": 1,
                "write": false, "index": 16, "element_size": 48},
            "ends": {"kind": "member", "what": "struct bundle.table", "value": "NULL"},
            "setters": [{"function": "initialize", "stores": "the return value of kcalloc()",
                "reached": [{"function": "open", "guards": [
                    {"condition": "enabled != 0", "function": "open"}]}]}],
            "handler": {"handler": "receive", "type": "struct handler", "by": "initialize",
                "members": {"func": "receive", "dev": "NULL", "type": "2054", "list": "x"}}
        })
    }

    #[test]
    fn what_the_author_wrote_is_enough() {
        assert_eq!(end(&expected(), &got()), Ended::Hit);
        assert_eq!(differences(&expected(), &got()), Vec::<String>::new());
    }

    #[test]
    fn every_difference_is_told() {
        for (pointer, value) in [
            ("/access/offset", json!(25)),
            ("/access/index", json!(null)),
            ("/access/fetch", json!(true)),
            ("/setters/0/function", json!("open")),
            ("/setters/0/reached/0/guards", json!([])),
            ("/handler/members/type", json!("0x807")),
            ("/handler/members/dev", json!("0x0")),
            ("/handler/type", json!("struct other")),
            ("/otherwise", json!(null)),
        ] {
            let mut changed = got();
            changed["otherwise"] = json!([]);
            changed["access"]["fetch"] = json!(false);
            *changed.pointer_mut(pointer).unwrap() = value;
            let count = usize::from(pointer != "/otherwise");
            assert_eq!(differences(&expected(), &changed).len(), count, "{pointer}");
        }
    }

    #[test]
    fn who_wrote_over_it_may_store_with_or_without_its_name() {
        let wanted = json!({"overwritten_by": "f"});
        for (got, told) in [
            (json!({"setters": [{"function": "f"}]}), true),
            (json!({"unnamed": [{"function": "f"}]}), true),
            (json!({"setters": [{"function": "g"}]}), false),
        ] {
            assert_eq!(names_overwriter(&wanted, &got), Some(told));
        }
        assert_eq!(names_overwriter(&json!({}), &wanted), None);
        let per_cpu = json!({"per_cpu": true});
        assert_eq!(differences(&per_cpu, &json!({"ends": {}})).len(), 1);
        assert_eq!(differences(&json!({}), &json!({"ends": per_cpu})).len(), 1);
    }

    #[test]
    fn a_wrong_end_is_worse_than_none() {
        let wanted = json!({"ends": {"kind": "member", "what": "struct a.b"}, "before": "argument 1 of f",
            "base": {"what": "argument 2 of g"}});
        let ended =
            |kind: &str, what: &str| end(&wanted, &json!({"ends": {"kind": kind, "what": what}}));
        assert_eq!(end(&wanted, &Value::Null), Ended::Miss);
        assert_eq!(ended("unknown", "rax"), Ended::Miss);
        assert_eq!(ended("argument", "argument 1 of f"), Ended::Miss);
        assert_eq!(ended("argument", "argument 2 of g"), Ended::Miss);
        assert_eq!(ended("argument", "argument 3 of g"), Ended::Wrong);
        assert_eq!(ended("freed", "struct a.b"), Ended::Wrong);
        assert_eq!(ended("member", "struct a.c"), Ended::Wrong);
    }

    #[test]
    fn two_ways_are_two_names() {
        let wanted =
            json!({"ends": {"kind": "member", "what": "struct a.b"}, "otherwise": "struct a.c"});
        let said = |end: &str, others: &[&str]| {
            let others = others
                .iter()
                .map(|what| json!({"kind": "member", "what": what}));
            json!({"ends": {"kind": "member", "what": end}, "otherwise": others.collect::<Vec<_>>()})
        };
        for (end, others, ended, differences) in [
            ("struct a.b", &["struct a.c"][..], Ended::Hit, 0),
            ("struct a.c", &["struct a.b"], Ended::Hit, 0),
            ("struct a.b", &[], Ended::Hit, 0),
            ("struct a.b", &["struct a.d"], Ended::Hit, 1),
            ("struct a.c", &[], Ended::Wrong, 0),
            ("struct a.c", &["struct a.d"], Ended::Wrong, 0),
            ("struct a.c", &["struct a.b", "struct a.d"], Ended::Wrong, 0),
        ] {
            let got = said(end, others);
            assert_eq!(super::end(&wanted, &got), ended, "{got}");
            assert_eq!(
                super::differences(&wanted, &got).len(),
                differences,
                "{got}"
            );
        }
    }

    #[test]
    fn ends_of_other_kinds_name_the_guilty_elsewhere() {
        let argument = json!({"ends": {"kind": "argument", "what": "argument 2 of f"},
            "should_have_set": ["g"], "passed": {"by": "g", "value": "NULL"}});
        let passed = json!({"passed": {"by": "g", "value": "NULL", "line": "f.c:1"}});
        assert!(differences(&argument, &passed).is_empty());
        assert_eq!(differences(&argument, &json!({})).len(), 3);
        let returned = json!({"ends": {"kind": "return", "what": "return value of find()"},
            "should_have_set": ["find"], "value": "NULL"});
        assert!(differences(&returned, &json!({"ends": {"value": "NULL"}})).is_empty());
        assert_eq!(differences(&returned, &json!({})).len(), 1);
    }

    #[test]
    fn particulars_are_asked_for_where_the_author_has_them() {
        let wanted = json!({"otherwise": "struct a.c", "before": "argument 1 of f", "variable": "request",
            "fault_in": "strlen", "inlined": "range", "fetch": true,
            "element": {"index": 8, "count": 8, "element_size": 8, "beyond": "struct a.d"}});
        let told = json!({"otherwise": [{"kind": "member", "what": "struct a.c"}], "through": ["argument 1 of f"],
            "access": {"function": "strlen", "inlined": ["range"], "fetch": true},
            "ends": {"variable": "request", "beyond": {"index": 8, "count": 8, "holds": "struct a.d"}}});
        assert!(differences(&wanted, &told).is_empty());
        // Without others there is nothing wrong with the end.
        assert_eq!(differences(&wanted, &json!({})).len(), 8);
        let other = json!({"otherwise": [{"kind": "member", "what": "struct a.x"}]});
        assert_eq!(differences(&wanted, &other).len(), 9);
        let alone = json!({"alone": true});
        assert_eq!(differences(&alone, &other).len(), 1);
        assert!(differences(&alone, &json!({"otherwise": []})).is_empty());
    }
}
