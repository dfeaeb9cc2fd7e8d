//! Debian's changelog: one entry, for the version that is packed; what changed stands in CHANGELOG.md beside it.

use std::error::Error;

use jiff::Timestamp;

/// Who answers for the package, as in Cargo.toml.
pub(crate) const MAINTAINER: &str = "nattvakt maintainers <maintainers@nattvakt.example>";

/// Returns the time of the source: seconds since 1970 as in `SOURCE_DATE_EPOCH`.
pub(crate) fn built(epoch: Option<&str>) -> Result<Timestamp, Box<dyn Error>> {
    let seconds = epoch.ok_or("SOURCE_DATE_EPOCH is not set: give it the time of the last commit")?.parse()?;
    Ok(Timestamp::from_second(seconds)?)
}

/// Writes the changelog. Fails where CHANGELOG.md does not speak of the version.
pub(crate) fn debian(changes: &str, built: Timestamp) -> Result<String, Box<dyn Error>> {
    let version = env!("CARGO_PKG_VERSION");
    if !changes.lines().any(|line| line.starts_with(&format!("## {version}"))) {
        return Err(format!("CHANGELOG.md has nothing on {version}").into());
    }
    let date = jiff::fmt::rfc2822::to_string(&built.to_zoned(jiff::tz::TimeZone::UTC))?;
    Ok(format!(
        "nattvakt ({version}-1) stable; urgency=medium\n\n  * Version {version}; what a technician or an operator notices of it\n    \
         stands in /usr/share/doc/nattvakt/changelog.gz.\n\n -- {MAINTAINER}  {date}\n"
    ))
}
