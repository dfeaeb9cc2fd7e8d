//! Asks on the terminal, a line a question, and asks again where the answer will not do. Never on stdout.

use std::io::{BufRead, Write};

use crate::cli::Failure;
use crate::cli::words::fit_asked;

/// How often a question is asked before the command gives up.
const TRIES_MAX: usize = 5;

/// The longest answer, in bytes.
const ANSWER_BYTES_MAX: u64 = 4096;

/// Somebody who answers, or nobody.
pub(super) struct Asker<'a> {
    input: Option<&'a mut dyn BufRead>,
    output: &'a mut dyn Write,
}

impl<'a> Asker<'a> {
    /// Asks a person; without an input nobody is there, and what has a default is taken.
    pub(super) fn new(input: Option<&'a mut dyn BufRead>, output: &'a mut dyn Write) -> Self {
        Self { input, output }
    }

    /// Tells something.
    pub(super) fn say(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.output, "{}", fit_asked(text)).and_then(|()| self.output.flush()).map_err(Failure::failed)
    }

    /// Takes what was given by a flag, else asks. `flag` is named where neither gives an answer that will do.
    pub(super) fn take<T>(
        &mut self,
        question: &str,
        flag: &str,
        given: Option<&str>,
        default: Option<&str>,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        if let Some(given) = given {
            return check(given).map_err(|problem| Failure::usage(format!("{flag} {given}: {problem}")));
        }
        if self.input.is_none() {
            let default = default.ok_or_else(|| Failure::usage(format!("{flag} is missing")))?;
            return check(default).map_err(|problem| Failure::usage(format!("{flag}: {problem}")));
        }
        for _ in 0..TRIES_MAX {
            let shown = default.map(|default| format!(" [{default}]")).unwrap_or_default();
            let answer = self.answer(&format!("{question}{shown}: "), flag)?;
            let answer = if answer.is_empty() { default.unwrap_or_default().to_owned() } else { answer };
            match check(&answer) {
                Ok(value) => return Ok(value),
                Err(problem) => self.say(&format!("  {problem}"))?,
            }
        }
        Err(Failure::usage(format!("no answer that will do; give it as {flag}")))
    }

    /// Asks for yes or no.
    pub(super) fn yes(&mut self, question: &str, flag: &str, default: bool) -> Result<bool, Failure> {
        let shown = if default { "y" } else { "n" };
        self.take(question, flag, None, Some(shown), |answer| match answer.to_lowercase().as_str() {
            "y" | "yes" | "j" | "ja" => Ok(true),
            "n" | "no" | "nej" => Ok(false),
            _ => Err("answer y or n".to_owned()),
        })
    }

    fn answer(&mut self, question: &str, flag: &str) -> Result<String, Failure> {
        write!(self.output, "{}", fit_asked(question)).and_then(|()| self.output.flush()).map_err(Failure::failed)?;
        let mut line = Vec::new();
        let read = match &mut self.input {
            Some(input) => std::io::Read::take(input, ANSWER_BYTES_MAX).read_until(b'\n', &mut line),
            None => Ok(0),
        };
        match read {
            Ok(0) => Err(Failure::usage(format!("\nno answer came; give it as {flag}"))),
            Ok(_) => Ok(String::from_utf8_lossy(&line).trim().to_owned()),
            Err(error) => Err(Failure::failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Result<u8, String> {
        text.parse().map_err(|_| "that is no number".to_owned())
    }

    #[test]
    fn an_answer_that_will_not_do_is_asked_for_again() {
        let (mut input, mut output) = (&b"x\n7\n"[..], Vec::new());
        let mut asker = Asker::new(Some(&mut input), &mut output);
        assert_eq!(asker.take("How many", "--many", None, Some("1"), number).unwrap(), 7);
        assert_eq!(String::from_utf8(output).unwrap(), "How many [1]:   that is no number\nHow many [1]: ");
    }

    #[test]
    fn an_empty_answer_is_the_default_and_a_flag_needs_no_answer() {
        let (mut input, mut output) = (&b"\n"[..], Vec::new());
        let mut asker = Asker::new(Some(&mut input), &mut output);
        assert_eq!(asker.take("How many", "--many", None, Some("1"), number).unwrap(), 1);
        assert_eq!(asker.take("How many", "--many", Some("9"), Some("1"), number).unwrap(), 9);
        assert!(asker.take("How many", "--many", Some("x"), Some("1"), number).is_err());
        assert!(asker.take("How many", "--many", None, Some("1"), number).is_err(), "the input has ended");
    }

    #[test]
    fn without_anybody_to_ask_only_what_has_a_default_is_known() {
        let mut output = Vec::new();
        let mut asker = Asker::new(None, &mut output);
        assert_eq!(asker.take("How many", "--many", None, Some("1"), number).unwrap(), 1);
        let failure = asker.take("How many", "--many", None, None, number).unwrap_err();
        assert!(failure.message.contains("--many is missing"));
    }
}
