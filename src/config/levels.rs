//! Writes the levels that were measured of a mat into a configuration, and leaves every other letter as it is.
//!
//! Changes a text, never a file; what comes out is to be checked before it replaces anything.

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value, value};

use crate::model::BedId;

/// What was measured of a mat, in the sensor's own unit; one number a zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    /// Of the empty bed.
    pub empty: Vec<f64>,
    /// With somebody lying.
    pub occupied: Vec<f64>,
}

impl Levels {
    /// Tells whether load makes the value fall.
    #[must_use]
    pub fn falls(&self) -> bool {
        self.occupied.iter().sum::<f64>() < self.empty.iter().sum::<f64>()
    }
}

/// Says why levels could not be put into a text.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LevelsError {
    /// The text is no TOML.
    #[error("the configuration cannot be read: {0}")]
    Broken(String),
    /// There is no such bed in it, or `detect` is no table there.
    #[error("the configuration has no `[[bed]]` with id \"{0}\" into which levels could be written")]
    NoBed(BedId),
}

/// Puts `levels` into the `[bed.detect]` of a bed: over those that stand there, else at its end. Where `invert` beside
/// the sensor says otherwise than the levels, it is put right.
///
/// # Errors
///
/// Fails where the text is no TOML, or has no such bed.
pub fn with_levels(text: &str, bed: &BedId, levels: &Levels) -> Result<String, LevelsError> {
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| LevelsError::Broken(error.message().to_owned()))?;
    let table = bed_of(&mut document, bed).ok_or(LevelsError::NoBed(*bed))?;
    if let Some(sensor) = sensor_of(table) {
        let inverted = sensor.get("invert").and_then(Item::as_bool).unwrap_or(false);
        if inverted != levels.falls() {
            put(sensor, "invert", levels.falls().into());
        }
    }
    let detect = table.entry("detect").or_insert_with(|| Item::Table(Table::new()));
    let detect = detect.as_table_like_mut().ok_or(LevelsError::NoBed(*bed))?;
    put(detect, "empty", zones(&levels.empty));
    put(detect, "occupied", zones(&levels.occupied));
    Ok(document.to_string())
}

fn bed_of<'a>(document: &'a mut DocumentMut, bed: &BedId) -> Option<&'a mut dyn TableLike> {
    let is_it = |table: &dyn TableLike| table.get("id").and_then(Item::as_str) == Some(bed.as_str());
    match document.get_mut("bed")? {
        Item::ArrayOfTables(beds) => {
            beds.iter_mut().map(|table| table as &mut dyn TableLike).find(|table| is_it(*table))
        }
        Item::Value(Value::Array(beds)) => beds
            .iter_mut()
            .filter_map(Value::as_inline_table_mut)
            .map(|table| table as &mut dyn TableLike)
            .find(|table| is_it(*table)),
        Item::None | Item::Value(_) | Item::Table(_) => None,
    }
}

/// The table that says how the mat is read.
fn sensor_of(bed: &mut dyn TableLike) -> Option<&mut dyn TableLike> {
    let way = ["serial", "mqtt"].into_iter().find(|way| bed.contains_key(way))?;
    bed.get_mut(way)?.as_table_like_mut()
}

/// One level stands alone, several in a list.
fn zones(levels: &[f64]) -> Value {
    match levels {
        [one] => Value::from(*one),
        several => Value::Array(several.iter().copied().collect::<Array>()),
    }
}

/// Sets a key and keeps what is written around it, such as a comment behind it.
fn put(table: &mut dyn TableLike, key: &str, mut new: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        None => {
            table.insert(key, value(new));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels() -> Levels {
        Levels { empty: vec![112.0], occupied: vec![618.5] }
    }

    fn put_into(text: &str) -> String {
        with_levels(text, &"bed-1".parse().unwrap(), &levels()).unwrap()
    }

    #[test]
    fn levels_that_stand_there_are_replaced_and_comments_stay() {
        let text = "# mine\n[[bed]]\nid = \"bed-1\" # hers\n[bed.detect]\nempty = 5 # by hand\noccupied = 9\nsettle = \"10s\"\n";
        assert_eq!(
            put_into(text),
            "# mine\n[[bed]]\nid = \"bed-1\" # hers\n[bed.detect]\nempty = 112.0 # by hand\noccupied = 618.5\nsettle = \"10s\"\n"
        );
    }

    #[test]
    fn they_come_to_the_right_bed_with_or_without_a_table_of_its_own() {
        let text = "[[bed]]\nid = \"bed-2\"\n\n[[bed]]\nid = \"bed-1\"\n[bed.mqtt]\ntopic = \"t\"\n\n[[dispatch]]\nname = \"x\"\n";
        let written = put_into(text);
        let tree: toml::Table = toml::from_str(&written).unwrap();
        assert!(tree["bed"][0].get("detect").is_none());
        assert_eq!(tree["bed"][1]["detect"]["empty"].as_float(), Some(112.0));
        assert_eq!(tree["dispatch"][0]["name"].as_str(), Some("x"));
    }

    #[test]
    fn every_way_to_write_a_table_is_understood() {
        for text in [
            "bed = [{ id = \"bed-1\", detect = { settle = \"10s\" } }]\n",
            "[[bed]]\nid = \"bed-1\"\ndetect.settle = \"10s\"\n",
            "[[bed]]\nid = \"bed-1\"\ndetect = { empty = [1, 2], occupied = [3, 4], settle = \"10s\" }\n",
        ] {
            let tree: toml::Table = toml::from_str(&put_into(text)).unwrap();
            let detect = &tree["bed"][0]["detect"];
            assert_eq!(detect["occupied"].as_float(), Some(618.5), "{text}");
            assert_eq!(detect["settle"].as_str(), Some("10s"), "{text}");
        }
    }

    #[test]
    fn several_zones_are_a_list() {
        let levels = Levels { empty: vec![1.0, 2.5], occupied: vec![30.0, 41.0] };
        let text = with_levels("[[bed]]\nid = \"bed-1\"\n", &"bed-1".parse().unwrap(), &levels).unwrap();
        assert!(text.contains("empty = [1.0, 2.5]\noccupied = [30.0, 41.0]"), "{text}");
    }

    #[test]
    fn a_mat_that_falls_under_load_is_said_to_be_so() {
        let falls = Levels { empty: vec![900.0], occupied: vec![200.0] };
        let text = "[[bed]]\nid = \"bed-1\"\n[bed.serial]\nport = \"/dev/x\"\n";
        let written = with_levels(text, &"bed-1".parse().unwrap(), &falls).unwrap();
        assert!(written.contains("port = \"/dev/x\"\ninvert = true\n"), "{written}");
        let turned = with_levels(&written, &"bed-1".parse().unwrap(), &levels()).unwrap();
        assert!(turned.contains("invert = false\n"), "{turned}");
        assert!(!put_into(text).contains("invert"));
    }

    #[test]
    fn a_text_without_such_a_bed_is_left_alone() {
        let bed: BedId = "bed-1".parse().unwrap();
        for text in ["", "bed = 5\n", "[[bed]]\nid = \"bed-2\"\n", "[[bed]]\nid = \"bed-1\"\ndetect = 5\n"] {
            assert_eq!(with_levels(text, &bed, &levels()), Err(LevelsError::NoBed(bed)), "{text}");
        }
        assert!(matches!(with_levels("[[bed]\n", &bed, &levels()), Err(LevelsError::Broken(_))));
    }
}
