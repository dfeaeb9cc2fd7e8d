//! Files that are no configuration at all, and any text that chance brings.

use proptest::prelude::*;

use super::*;

#[test]
fn files_that_are_no_text_are_refused_at_the_place() {
    let of = |bytes: &[u8]| {
        let Err(ConfigError::Unsound { report, .. }) = checked(bytes.to_vec(), "f", Looks::Elsewhere, false) else {
            panic!("sound");
        };
        report.to_string()
    };
    assert!(of(b"a = 1\nb\0").starts_with("f:2:2: error: a NUL byte"));
    assert!(of(b"[gateway]\n# h\xe5ll\n").starts_with("f:2:4: error: this byte is no UTF-8 text"));
    assert!(of(&vec![b'#'; FILE_BYTES_MAX + 1]).starts_with("f:1:1: error: the file is larger than 256 KiB"));
    assert!(of(format!("a = {}", "[".repeat(100_000)).as_bytes()).starts_with("f:1:"));
    assert!(of("a.".repeat(100_000).as_bytes()).starts_with("f:1:"));
}

#[test]
fn a_byte_order_mark_moves_no_column() {
    assert!(findings("\u{feff}x = 1")[0].starts_with("1:1: error: "));
    assert!(parse(&format!("\u{feff}{MINIMAL}"), "f", Looks::Elsewhere).is_ok());
}

#[test]
fn thousands_of_mistakes_are_counted() {
    let text: String =
        (0..20_000).flat_map(|number| ["k".to_owned(), number.to_string(), " = 1\n".to_owned()]).collect();
    let Err(ConfigError::Unsound { report, .. }) = parse(&text, "f", Looks::Elsewhere) else { panic!("sound") };
    let shown = report.to_string();
    assert_eq!(shown.lines().filter(|line| line.contains(": error: ")).count(), SHOWN_MAX);
    assert!(shown.ends_with(&format!("f: and {} more; mend these first\n", report.errors() - SHOWN_MAX)));
}

/// Whatever comes in, a check ends with findings or a configuration, and what it prints is harmless.
fn assert_answers(text: &str) {
    let shown = match parse(text, "f", Looks::Elsewhere) {
        Ok(sound) => {
            assert_eq!(sound.report.errors(), 0);
            sound.report.to_string()
        }
        Err(ConfigError::Unsound { report, .. }) => {
            assert!(report.errors() > 0);
            report.to_string()
        }
        Err(other) => panic!("{other}"),
    };
    assert!(shown.chars().all(|character| character == '\n' || !character.is_control()));
    let path = accepted::store_path_of_broken(text);
    assert!(path.is_none_or(|path| !path.as_os_str().is_empty()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_gets_an_answer(text in "\\PC{0,200}|[\\[\\]{}=\"',.#\\n a-z0-9\\\\-]{0,200}") {
        assert_answers(&text);
    }

    #[test]
    fn any_value_of_any_key_gets_an_answer(
        line in 0_usize..200,
        value in "[0-9]{1,30}|-?[0-9]{1,5}\\.[0-9]{1,5}|\"[ -~å\\t]{0,20}\"|\\[[0-9, ]{0,10}\\]|\\{ a = 1 \\}|true|inf|nan|07:00",
    ) {
        let lines = || ANNOTATED.lines().enumerate();
        let keys: Vec<usize> = lines().filter(|(_, line)| line.contains(" = ")).map(|(at, _)| at).collect();
        let chosen = keys[line % keys.len()];
        let changed = lines().map(|(at, line)| match line.split_once(" = ") {
            Some((key, _)) if at == chosen => format!("{} = {value}", key.trim_start_matches("# ")),
            _ => line.to_owned(),
        });
        let text = changed.collect::<Vec<_>>().join("\n");
        assert_answers(&text);
    }

    #[test]
    fn any_damage_to_the_annotated_file_gets_an_answer(
        at in 0_usize..10_000, cut in 0_usize..200, put in "\\PC{0,5}|[\\[\\]{}=\"'.\\n]{0,5}",
    ) {
        let plain = text_of(ANNOTATED.lines().filter(|line| !line.starts_with('#')));
        let characters: Vec<char> = plain.chars().collect();
        let at = at % characters.len();
        let end = (at + cut).min(characters.len());
        let (head, tail) = (characters[..at].iter(), characters[end..].iter());
        let text: String = head.copied().chain(put.chars()).chain(tail.copied()).collect();
        assert_answers(&text);
    }
}
