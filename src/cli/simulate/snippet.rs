//! The configuration that reads a simulated mat, checked by the rules of the configuration itself.

use std::path::Path;

use crate::cli::Failure;
use crate::config::{self, Config, Looks};
use crate::simulate::Truth;

/// What stands in front to make it a whole configuration.
const GATEWAY: &str = "[gateway]\nid = \"1\"\n";

/// The table of a mat on a serial line.
pub(super) fn serial(port: &Path, truth: &Truth) -> Result<String, Failure> {
    let port = port.to_str().ok_or_else(|| Failure::usage("--pty: the path is no UTF-8 text"))?;
    let columns = (0..truth.channels.len()).map(|column| column.to_string()).collect::<Vec<_>>();
    let text =
        format!("[[bed]]\nid = \"bed-1\"\n\n[bed.serial]\nport = {}\n{}", quoted(port), mat(truth, &columns, "0"));
    checked(&text, "--pty").map(|_| text)
}

/// The tables of a mat on a topic of a broker, and what they say.
pub(super) fn mqtt(url: &str, topic: &str, allow_plaintext: bool, truth: &Truth) -> Result<(String, Config), Failure> {
    let pointers: Vec<String> = match truth.channels.as_slice() {
        [_] => Vec::new(),
        zones => zones.iter().map(|zone| quoted(&format!("/{zone}"))).collect(),
    };
    let plaintext = if allow_plaintext { "allow-plaintext = true\n" } else { "" };
    let text = format!(
        "[mqtt]\nurl = {}\n{plaintext}\n[[bed]]\nid = \"bed-1\"\n\n[bed.mqtt]\ntopic = {}\n{}",
        quoted(url),
        quoted(topic),
        mat(truth, &pointers, "\"\"")
    );
    let config = checked(&text, "--mqtt and --topic")?;
    Ok((text, config))
}

/// Where the values stand, and what the mat can say.
fn mat(truth: &Truth, places: &[String], contact: &str) -> String {
    let values = match (truth.kind.as_str(), places) {
        ("contact", _) => format!("contact = {contact}\n"),
        (_, [] | [_]) => String::new(),
        (_, places) => format!("value = [{}]\n", places.join(", ")),
    };
    let range = truth.adc_bits.map(|_| format!("range = [0, {}]\n", truth.full_scale)).unwrap_or_default();
    format!("{values}{range}")
}

fn checked(text: &str, of: &str) -> Result<Config, Failure> {
    let whole = format!("{GATEWAY}{text}");
    config::parse(&whole, of, Looks::Replay).map(|sound| sound.config).map_err(Failure::usage)
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::nights::{Level, Mat, draw, lot, usual_start};
    use crate::sensor::Sensor;
    use crate::simulate::Night;

    fn truth(mat: Mat) -> Truth {
        let settings = draw(&lot(&[Level::Easy], &[mat], 0.1, usual_start()), 1);
        Night::new(settings.unwrap_or_else(|_| panic!("no such mat"))).truth().clone()
    }

    #[test]
    fn every_mat_is_read_by_what_is_printed_for_it() {
        for mat in [Mat::Fsr, Mat::Zones, Mat::Air, Mat::Cells, Mat::Contact] {
            let truth = truth(mat);
            let (text, config) = mqtt("mqtt://127.0.0.1:1884", "mats/\"one\"", false, &truth).ok().unwrap();
            let bed = &config.beds[0];
            let contact = mat == Mat::Contact;
            assert_eq!((bed.detect.zones, bed.detect.contact), (truth.channels.len(), contact), "{text}");
            assert!(matches!(&bed.sensor, Sensor::Mqtt(mqtt) if mqtt.topic == "mats/\"one\""));
            assert_eq!(bed.detect.range, truth.adc_bits.map(|_| (0.0, truth.full_scale)));
            let text = serial(Path::new("/tmp/a mat"), &truth).ok().unwrap();
            let bed = checked(&text, "").ok().unwrap().beds.remove(0);
            assert_eq!((bed.detect.zones, bed.detect.contact), (truth.channels.len(), contact), "{text}");
            assert!(matches!(&bed.sensor, Sensor::Serial(serial) if serial.port == Path::new("/tmp/a mat")));
        }
    }

    #[test]
    fn readings_go_to_other_machines_only_where_that_is_allowed() {
        let truth = truth(Mat::Fsr);
        assert!(mqtt("mqtt://192.0.2.1", "mats/bed-1", false, &truth).is_err());
        assert!(mqtt("mqtt://192.0.2.1", "mats/bed-1", true, &truth).is_ok());
        assert!(mqtt("mqtt://127.0.0.1", "mats/+", false, &truth).is_err());
    }
}
