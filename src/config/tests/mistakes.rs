//! Files with mistakes, each with the places and beginnings of what is found.

use super::*;

fn bed(keys: &str) -> String {
    format!("[[bed]]\nid = \"b\"\n[bed.mqtt]\ntopic = \"t\"\n{keys}\n")
}

#[test]
fn gateway_store_and_mqtt() {
    let cases: &[(&str, &[&str])] = &[
        ("[gateway]\n", &["1:1: error: `id` is missing in [gateway]"]),
        ("[gateway]\nid = \"46-1\"", &["2:6: error: \"46-1\" is no gateway id"]),
        ("[gateway]\nid = 46", &["2:6: error: `id` must be text, not a whole number"]),
        ("[gateway]\nid = \"1\"\ntime_zone = \"CET\"", &["3:1: error: unknown key `time_zone` in [gateway]"]),
        ("[gateway]\nid = \"1\"\ntime-zone = \"Europe/Stokholm\"", &["3:13: error: there is no time zone"]),
        ("[gateway]\nid = \"1\"\nlanguage = \"se\"", &["3:12: error: `language` is \"sv\" or \"en\", not \"se\""]),
        ("[gateway]\nid = \"1\"\nclock = true", &["3:9: error: `clock` must be text, not true or false"]),
        ("gateway = 5 # [gateway]", &["1:11: error: `gateway` must be a table, not a whole number"]),
        ("[store]\npath = \"\"", &["2:8: error: `path` is empty"]),
        ("[store]\npath = \"/a\\u0000b\"", &["2:8: error: `path` has a control character in it"]),
        ("[store]\nkeep = \"12h\"", &["2:8: error: `keep` must be from \"1d\" to \"3650d\", not \"12h\""]),
        ("[store]\nkeep = 35", &["2:8: error: `keep` must be text with a unit, not a whole number"]),
        ("[store]\nkeep = \"5 weeks\"", &["2:8: error: `keep` is a whole number with its unit"]),
        ("[mqtt]\nurl = \"http://127.0.0.1\"", &["2:7: error: `url` is no address of an MQTT broker"]),
        ("[mqtt]\nurl = \"mqtt://10.0.0.1:1883\"", &["2:7: error: `url` goes to another machine"]),
        ("[mqtt]\nurl = \"mqtt://10.0.0.1:1883\"\nallow-plaintext = true", &[]),
        ("[mqtt]\nurl = \"mqtt://a:b@127.0.0.1\"", &["2:7: error: `url` must not hold a user or password"]),
        ("[mqtt]\npassword-file = \"/p\"", &["2:17: error: a password needs a `user` beside it"]),
        ("[mqtt]\nca-file = \"/ca\"", &["2:11: error: certificates are of no use without TLS"]),
        (
            "[mqtt]\nurl = \"mqtts://b.example\"\nclient-key-file = \"/k\"",
            &["3:19: error: a client key needs its certificate"],
        ),
        ("[stroe]\nkeep = \"1d\"", &["1:2: error: unknown key `stroe` in the file"]),
        ("id = \"1\"", &["1:1: error: unknown key `id` in the file"]),
    ];
    for (piece, expected) in cases {
        assert_finds(piece, expected);
    }
}

#[test]
fn beds_and_how_they_are_read() {
    let cases: &[(&str, &[&str])] = &[
        ("bed = 1 # [bed", &["1:7: error: `bed` must be a list of tables, not a whole number"]),
        ("bed = [] # [bed", &["1:7: error: `bed` is an empty list"]),
        ("[[bed]]\n[bed.mqtt]\ntopic = \"t\"", &["1:1: error: `id` is missing in [[bed]]"]),
        ("[[bed]]\nid = \"Anna\"\n[bed.mqtt]\ntopic = \"t\"", &["2:6: error: \"Anna\" is no bed id"]),
        ("[[bed]]\nid = \"b\"", &["1:1: error: this bed has no sensor"]),
        (
            "[[bed]]\nid = \"b\"\n[bed.mqtt]\ntopic = \"t\"\n[bed.serial]\nport = \"/dev/x\"",
            &["5:1: error: this bed has two sensors"],
        ),
        (
            "[[bed]]\nid = \"b\"\n[bed.mqtt]\ntopic = \"t\"\n[[bed]]\nid = \"b\"\n[bed.mqtt]\ntopic = \"u\"",
            &["6:6: error: another bed before this one is \"b\" too"],
        ),
        (
            "[[bed]]\nid = \"a\"\n[bed.serial]\nport = \"/dev/x\"\n[[bed]]\nid = \"b\"\n[bed.serial]\nport = \"/dev/x\"",
            &["8:8: error: another bed reads this port already"],
        ),
        (
            "[[bed]]\nid=\"a\"\n[bed.mqtt]\ntopic=\"t\"\nvalue=\"/a\"\n[[bed]]\nid=\"b\"\n[bed.mqtt]\ntopic=\"t\"\nvalue=[\"/b\", \"/a\"]",
            &["10:14: error: another bed reads this very value already"],
        ),
        (
            "[[bed]]\nid=\"a\"\n[bed.mqtt]\ntopic=\"t\"\nvalue=\"/a\"\n[[bed]]\nid=\"b\"\n[bed.mqtt]\ntopic=\"t\"\nvalue=\"/b\"",
            &[],
        ),
        (
            "[[bed]]\nid=\"a\"\n[bed.mqtt]\ntopic=\"t\"\n[[bed]]\nid=\"b\"\n[bed.mqtt]\ntopic=\"t\"",
            &["8:7: error: another bed reads this very value already"],
        ),
        ("[bed]\nid = \"b\"\n[bed.mqtt]\ntopic = \"t\"", &["1:1: error: `bed` must be a list of tables"]),
        ("[[bed]]\nid = \"b\"\n[bed.mqtt]\n", &["3:1: error: `topic` is missing in [bed.mqtt]"]),
        (
            "[[bed]]\nid = \"b\"\ntopic = \"t\"\n[bed.mqtt]\ntopic = \"t\"",
            &["3:1: error: unknown key `topic` in [[bed]]"],
        ),
        ("[[bed]]\nid = \"b\"\n[bed.mqtt]\ntopic = \"mats/#\"", &["4:9: error: `topic` must name one mat"]),
        ("[[bed]]\nid = \"b\"\n[bed.mqtt]\ntopic = \"$SYS/x\"", &["4:9: error: topics that begin with $"]),
        ("[[bed]]\nid = \"b\"\n[bed.mqtt]\ntopic = \"\"", &["4:9: error: `topic` is empty"]),
    ];
    for (piece, expected) in cases {
        assert_finds(piece, expected);
    }
}

#[test]
fn serial_mats() {
    let cases: &[(&str, &[&str])] = &[
        ("port = \"\"", &["4:8: error: `port` is empty"]),
        ("port = \"/dev/ttyUSB0\"", &["4:8: warning: \"/dev/ttyUSB0\" may be another"]),
        ("port = \"/dev/x\"\nbaud = \"9600\"", &["5:8: error: `baud` must be a whole"]),
        ("port = \"/dev/x\"\nbaud = 11520", &["5:8: warning: 11520 is an unusual speed"]),
        ("port = \"/dev/x\"\nbaud = 0", &["5:8: error: `baud` must be from 50"]),
        ("port = \"/dev/x\"\nseparator = \"\"", &["5:13: error: `separator` is empty"]),
        ("port = \"/dev/x\"\nseparator = \"-\"", &["5:13: error: `separator` must not"]),
        ("port = \"/dev/x\"\nvalue = -1", &["5:9: error: `value` must be from 0 to 255"]),
        ("port = \"/dev/x\"\ntime = 1\nvalue = [0, 1]", &["5:8: error: column 1 cannot"]),
        ("port = \"/dev/x\"\nvalue = [1, 1]", &["5:13: error: two zones are read from"]),
    ];
    for (keys, expected) in cases {
        assert_finds(&format!("[[bed]]\nid = \"b\"\n[bed.serial]\n{keys}"), expected);
    }
}

#[test]
fn values_levels_and_times() {
    let cases: &[(&str, &[&str])] = &[
        ("value = \"pressure\"", &["5:9: error: \"pressure\" is no JSON pointer: it must begin with `/`"]),
        ("value = \"/a~2\"", &["5:9: error: \"/a~2\" is no JSON pointer"]),
        ("value = []", &["5:9: error: a mat has 1 to 16 zones, not 0"]),
        ("value = [\"/a\", 5]", &["5:16: error: `value` must be text, not a whole number"]),
        ("value = \"/a\"\ncontact = \"/b\"", &["6:11: error: a mat has `value` or `contact`, not both"]),
        ("contact = \"/b\"\nrange = [0, 1]", &["6:9: error: a contact has no range"]),
        ("contact = \"\"\n[bed.detect]\nempty = 0", &["7:9: error: a contact has no level, so `empty` has no meaning"]),
        ("time = \"/ts\"", &["5:8: error: a payload that is one plain value has no time in it"]),
        ("value = \"/a\"\ntime = \"/a\"", &["6:8: error: \"/a\" cannot be both the time and a value"]),
        ("range = [9, 1]", &["5:9: error: `range` is upside down: 9 is not below 1"]),
        ("range = 9", &["5:9: error: `range` must be a list of two numbers"]),
        ("range = [0, nan]", &["5:13: error: `range` must be a number that a sensor can say"]),
        ("range = [0, 1e999]", &["5:13: error: `range` must be a number that a sensor can say"]),
        ("range = [0, 99999999999999999999]", &["5:13: error: `range` must be a number that a sensor can say"]),
        ("invert = \"no\"", &["5:10: error: `invert` must be true or false, not text"]),
        ("[bed.detect]\nempty = [1, 2]", &["6:9: error: `empty` has 2 levels where the mat has 1 zone"]),
        ("[bed.detect]\nempty = 5\noccupied = 5", &["7:12: error: `empty` and `occupied` are both 5"]),
        ("[bed.detect]\nempty = 600\noccupied = 5", &["7:12: error: by these levels the value falls under load"]),
        ("invert = true\n[bed.detect]\nempty = 600\noccupied = 5", &[]),
        ("range = [0, 100]\n[bed.detect]\nempty = 500", &["7:9: error: `empty` is 500, outside of the mat's range"]),
        ("[bed.detect]\nconfirm = \"2min\"", &["6:11: error: `confirm` must be from \"0s\" to \"1min\", or \"auto\""]),
        ("[bed.detect]\nconfirm = \"fast\"", &["6:11: error: `confirm` is a whole number with its unit"]),
        (
            "[bed.detect]\nedge-sensitivity = \"hihg\"",
            &["6:20: error: `edge-sensitivity` is \"low\" or \"normal\" or \"high\", not"],
        ),
        ("[bed.detect]\nsettle = \"auto\"", &["6:10: error: `settle` is a whole number with its unit"]),
        ("[bed.alarm]\nnot-in-bed = \"25:00\"", &["6:14: error: `not-in-bed` must be a time of day, not \"25:00\""]),
        ("[bed.alarm]\nnot-up = 09:30", &["6:10: error: `not-up` must be text, not a date or time"]),
        ("[bed.alarm]\nnot-returned = \"off\"\nnot-in-bed = \"off\"\nnot-up = \"off\"", &[]),
        ("[bed.alarm]\nrepeat = \"off\"", &["6:10: error: `repeat` is a whole number with its unit"]),
        (
            "[bed.alarm]\nrise = false\nnot-returned = \"off\"",
            &["5:1: warning: nobody is told when the resident leaves"],
        ),
        ("[bed.detec]", &["5:6: error: unknown key `detec` in [[bed]]"]),
    ];
    for (piece, expected) in cases {
        assert_finds(&bed(piece), expected);
    }
}

#[test]
fn when_a_bed_is_watched() {
    let bed = |watch: &str| format!("[[bed]]\nid = \"b\"\nwatch = {watch}\n[bed.mqtt]\ntopic = \"t\"\n");
    let quiet = |watch: &str| format!("{}[bed.alarm]\nnot-in-bed = \"off\"\n", bed(watch));
    assert_finds(&bed("\"always\""), &[]);
    assert_finds(&quiet("{ from = \"22:00\", to = \"07:00\" }"), &[]);
    assert_finds(&quiet("{ from = \"01:00\" }"), &[]);
    assert_finds(&bed("{ from = \"22:00\" }"), &["3:9: warning: nobody is told when this bed is still empty"]);
    assert_finds(&quiet("{ from = \"07:00\" }"), &["3:9: error: this night has no length"]);
    assert_finds(&quiet("{ form = \"22:00\" }"), &["3:11: error: unknown key `form` in `watch`"]);
    assert_finds(&bed("\"nights\""), &["3:9: error: `watch` is \"always\" or a table, not \"nights\""]);
    assert_finds(&bed("true"), &["3:9: error: `watch` must be \"always\" or a table, not true or false"]);
    assert_finds(
        &quiet("{ from = \"7:00\", to = \"24:00\" }"),
        &["3:18: error: `from` must", "3:31: error: `to` must"],
    );
}

#[test]
fn channels() {
    let cases: &[(&str, &[&str])] = &[
        ("[[dispatch]]\n", &["1:1: error: this channel has no way to send"]),
        ("[[dispatch]]\n[dispatch.https]\n", &["2:1: error: `url` is missing in [dispatch.https]"]),
        ("[[dispatch]]\n[dispatch.https]\nurl = \"dispatch.example\"", &["3:7: error: `url` is no web address"]),
        ("[[dispatch]]\n[dispatch.https]\nurl = \"http://d.example\"", &["3:7: error: `url` goes to another machine"]),
        (
            "[[dispatch]]\n[dispatch.https]\nurl = \"http://127.0.0.1:1/\"",
            &["1:1: warning: this is the only way to dispatch"],
        ),
        (
            "[[dispatch]]\n[dispatch.https]\nurl = \"http://[::1]:1/\"\nca-file = \"/ca\"",
            &["4:11: error: certificates are of"],
        ),
        ("[[dispatch]]\nname = \"\"\n[dispatch.https]\nurl = \"https://d/\"", &["2:8: error: `name` must be 1 to 32"]),
        (
            "[[dispatch]]\nname = \"dispatch-2\"\nhttps.url = \"https://d/\"\n[[dispatch]]\nhttps.url = \"https://e/\"",
            &["4:1: error: another channel is called \"dispatch-2\" already"],
        ),
        (
            "[[dispatch]]\nheartbeat = \"0s\"\nhttps.url = \"https://d/\"",
            &["2:13: error: `heartbeat` must be from \"1s\""],
        ),
        (
            "[delivery]\norder = \"al\"\ngive-up-after = \"1h\"",
            &["2:9: error: `order` is", "3:17: error: `give-up-after` must"],
        ),
    ];
    for (piece, expected) in cases {
        assert_finds(piece, expected);
    }
}

#[test]
fn what_is_legal_and_unwise_is_warned_of_where_it_stands() {
    let bed = |rest: &str| format!("[[bed]]\nid = \"b\"\nmqtt.topic = \"t\"\n{rest}\n");
    let cases: &[(&str, &[&str])] = &[
        (
            "alarm.rise = false\nalarm.not-returned = \"off\"",
            &["4:1: warning: nobody is told when the resident leaves"],
        ),
        (
            "[bed.alarm]\nedge = true\nnot-returned = \"off\"\nrise = false",
            &["7:8: warning: no alarm is raised when the resident leaves this bed and stays away"],
        ),
        ("alarm.rise = false", &[]),
        ("alarm.not-returned = \"off\"", &[]),
        ("detect.confirm = \"0s\"", &["4:18: warning: with `confirm = \"0s\"` a single reading decides"]),
        ("detect.confirm = \"500ms\"", &[]),
        (
            "watch = { from = \"22:00\", to = \"01:59\" }\nalarm.not-in-bed = \"off\"",
            &["4:9: warning: this night is shorter than 4 hours"],
        ),
        ("watch = { from = \"22:00\", to = \"02:00\" }\nalarm.not-in-bed = \"off\"", &[]),
        ("watch = { from = \"13:00\", to = \"16:00\" }\nalarm.not-in-bed = \"off\"", &["4:9: warning: this night is"]),
    ];
    for (rest, expected) in cases {
        assert_finds(&bed(rest), expected);
    }
    let channel = |name: &str, rest: &str| {
        format!("[[dispatch]]\nname = \"{name}\"\n{rest}\n[dispatch.https]\nurl = \"https://d.example/\"\n")
    };
    let (silent, beating) = ("heartbeat = \"off\"", "heartbeat = \"1h\"");
    assert_finds(&(channel("a", silent) + &channel("b", silent)), &["3:13: warning: no channel gets a heartbeat"]);
    assert_finds(&(channel("a", silent) + &channel("b", beating)), &[]);
    assert_finds(&channel("a", beating), &["1:1: warning: this is the only way to dispatch"]);
}

#[test]
fn an_empty_file_lacks_three_things() {
    let found = findings("");
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found.iter().all(|one| one.starts_with("1:1: error: ")));
}

#[test]
fn all_mistakes_come_at_once_in_the_order_of_the_file() {
    let text = "[gateway]\nid = 46\nlanguage = \"se\"\n[stor]\n[mqtt]\nurl = \"x\"\n[[bed]]\nid = \"B\"\nwatch = 1\n\
                [bed.mqtt]\ntpoic = \"t\"\n[bed.alarm]\nrise = \"yes\"\n[delivery]\norder = \"one\"\n[[dispatch]]\n\
                heartbeat = \"1m\"\n[dispatch.https]\nurl = \"ftp://x\"\n";
    let expected = ["2:6", "3:12", "4:2", "6:7", "8:6", "9:9", "10:1", "11:1", "13:8", "15:9", "17:13", "19:7"];
    let places: Vec<String> = findings(text).iter().map(|one| one.split(": ").next().unwrap().to_owned()).collect();
    assert_eq!(places, expected, "{:#?}", findings(text));
}

#[test]
fn mistakes_of_syntax_and_of_meaning_come_together() {
    let text = "[gateway\nid = \"1\"\nlanguage = \"se\"\n[[bed]]\nid = bed-1\nrise = true\n[bed.mqtt]\nvalue = [\"/a\", \
                \"b\"\ntopic = \"t/#\"\n[[dispatch]]\nhttps.url = \"https://d/\"\n";
    let expected =
        ["1:9: error: `]` is missing", "3:12: error: `language`", "5:6: error: text stands in straight quotes"];
    let expected = [
        &expected[..],
        &[
            "6:1: error: unknown key `rise`",
            "8:16: error: \"b\" is no JSON pointer",
            "8:19: error: this list is not closed",
        ],
    ]
    .concat();
    let found = findings(text);
    assert!(found.iter().zip(&expected).all(|(one, start)| one.starts_with(start)), "{found:#?}");
    assert!(found.last().unwrap().starts_with("9:9: error: `topic` must name one mat"), "{found:#?}");
    assert_eq!(found.len(), 7, "{found:#?}");
}

#[test]
fn what_cannot_be_read_is_not_called_missing() {
    let text = complete("[[bed]]\nid \"bed-1\"\n[bed.mqtt]\ntopic = \"t\"\n");
    let found = findings(&text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("2:4: error: `=` is missing"), "{found:#?}");
}

#[test]
fn the_way_out_is_the_one_that_was_meant() {
    let help = |piece: &str| {
        let Err(ConfigError::Unsound { report, .. }) = parse(&complete(piece), "f", Looks::Elsewhere) else {
            panic!("{piece} is sound");
        };
        report.findings()[0].help.clone()
    };
    assert_eq!(help("[mqtt]\nurll = \"x\""), "did you mean `url`?");
    assert_eq!(help("[gateway]\nid = \"1\"\nlanguage = ture"), "did you mean true? Otherwise write \"ture\"");
    assert_eq!(help("[gateway]\nid = 9600x"), "a number has digits only; otherwise write \"9600x\"");
    assert_eq!(help("[gateway]\nid = \"1\"\ntimezone = \"UTC\""), "did you mean `time-zone`?");
    assert_eq!(help("[gateway]\nid = \"1\"\ntime-zone = \"Europe/Stokholm\""), "did you mean \"Europe/Stockholm\"?");
    assert_eq!(help("[gateway]\nid = \"1\"\ntime-zone = \"stockholm\""), "did you mean \"Europe/Stockholm\"?");
    assert_eq!(help("[[bed]]\nid = \"b\"\ntopic = \"t\"\nmqtt.topic = \"t\""), "`topic` belongs in [bed.mqtt]");
    assert_eq!(help(&bed("value = \"a.b\"")), "write \"/a/b\"; \"\" is the whole payload");
    assert_eq!(help(&bed("[bed.detect]\nsettle = \"1m\"")), "minutes are \"1min\"");
    assert_eq!(help(&bed("[bed.detect]\nsettle = 10")), "add the unit, in quotes: \"10s\" or \"10min\"");
    assert_eq!(help(&bed("[bed.alarm]\nnot-up = \"9.30\"")), "write \"09:30\"");
    assert_eq!(help(&bed("[bed.alarm]\nnot-up = 09:30")), "write it in quotes: \"09:30\"");
    assert_eq!(help("[gateway]\nid = “1”"), "write \"1\"");
    assert_eq!(help(&bed("[bed.alarm]\nrise = True")), "write true, in small letters and without quotes");
    assert_eq!(help("[delivery]\norder = \"fallbck\""), "did you mean \"fallback\"?");
}

#[test]
fn keys_said_to_belong_elsewhere_do_belong_there() {
    for (table, keys) in tree::HOMES {
        for key in *keys {
            let head = match *table {
                "[bed]" => "[[bed]]".to_owned(),
                "[dispatch]" => "[[dispatch]]".to_owned(),
                other if other.starts_with("[bed.") => format!("[[bed]]\n{other}"),
                other if other.starts_with("[dispatch.") => format!("[[dispatch]]\n{other}"),
                other => other.to_owned(),
            };
            let found = findings(&format!("{head}\n{key} = 1979-01-01\n"));
            assert!(found.iter().all(|one| !one.contains("unknown")), "{table} {key}: {found:#?}");
        }
    }
}
