//! The sheet that a picture is drawn on: shapes and texts of SVG, in few bytes. PURE.

use svg::Document;
use svg::node::element::{
    Circle, Definitions, Description, Element, Line, Path, Pattern, Polygon, Rectangle, Text, Title, Use,
};
use svg::node::{Node, Value};

/// The width of a picture, in its own units: narrow, so that texts stay readable on a phone held upright.
pub(super) const WIDTH: f64 = 720.0;

/// Ink, and what is drawn beside it.
pub(super) const INK: &str = "#1a1a1a";
/// Of lines that must not draw the eye.
pub(super) const FAINT: &str = "#767676";

/// Sizes of texts.
pub(super) const TITLE: f64 = 20.0;
pub(super) const TEXT: f64 = 14.0;
pub(super) const SMALL: f64 = 12.0;

/// Where a text is held.
#[derive(Debug, Clone, Copy)]
pub(super) enum Held {
    Left,
    Middle,
    Right,
}

/// A sheet in the making.
pub(super) struct Sheet {
    document: Document,
}

impl Sheet {
    /// Takes an empty white sheet. `title` and `description` are for who cannot see it.
    pub(super) fn new(title: &str, description: &str) -> Self {
        let document = Document::new()
            .set("role", "img")
            .set("font-family", "system-ui,'Segoe UI',Roboto,'DejaVu Sans',Arial,sans-serif")
            .set("fill", INK)
            .add(Title::new(title))
            .add(Description::new().add(svg::node::Text::new(description)));
        let mut sheet = Self { document };
        sheet.paper();
        sheet
    }

    /// Ends it at this height, and returns it as text.
    pub(super) fn into_text(self, height: f64) -> String {
        let view = format!("0 0 {} {}", short(WIDTH), short(height));
        let document = self.document.set("viewBox", view).set("width", short(WIDTH)).set("height", short(height));
        let mut text = document.set("style", "max-width:100%;height:auto").to_string();
        text.push('\n');
        text
    }

    fn paper(&mut self) {
        self.add(Rectangle::new().set("width", "100%").set("height", "100%").set("fill", "#fff"));
    }

    pub(super) fn add(&mut self, node: impl Node) {
        self.document.append(node);
    }

    /// Takes a pattern into the sheet, to be used as `url(#name)`: a tile of `size`, drawn with a path.
    pub(super) fn pattern(&mut self, name: &str, size: f64, ground: &str, path: &str, ink: &str) {
        let tile = Pattern::new()
            .set("id", name)
            .set("width", short(size))
            .set("height", short(size))
            .set("patternUnits", "userSpaceOnUse")
            .add(Rectangle::new().set("width", short(size)).set("height", short(size)).set("fill", ground))
            .add(Path::new().set("d", path).set("stroke", ink).set("stroke-width", "1.4").set("fill", "none"));
        self.add(Definitions::new().add(tile));
    }

    pub(super) fn text(&mut self, x: f64, y: f64, size: f64, held: Held, text: &str) {
        self.add(written(x, y, size, held, text));
    }

    pub(super) fn bold(&mut self, x: f64, y: f64, size: f64, held: Held, text: &str) {
        self.add(written(x, y, size, held, text).set("font-weight", "bold"));
    }

    pub(super) fn coloured(&mut self, (x, y): (f64, f64), size: f64, held: Held, colour: &str, text: &str) {
        self.add(written(x, y, size, held, text).set("fill", colour).set("font-weight", "bold"));
    }

    /// Writes a text around its place, kept readable on whatever it lies by a halo.
    pub(super) fn haloed(&mut self, (x, y): (f64, f64), size: f64, (ink, halo): (&str, &str), text: &str) {
        let text = written(x, y, size, Held::Middle, text).set("fill", ink).set("font-weight", "bold");
        let text = text.set("stroke", halo).set("stroke-width", "4").set("stroke-linejoin", "round");
        self.add(text.set("paint-order", "stroke"));
    }

    pub(super) fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str) {
        self.add(area((x, y), (width, height), fill));
    }

    pub(super) fn framed(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str) {
        self.add(area((x, y), (width, height), fill).set("stroke", INK).set("stroke-width", "0.8"));
    }

    pub(super) fn line(&mut self, (x, y): (f64, f64), (to_x, to_y): (f64, f64), ink: &str, dashes: &str) {
        let mut line = Line::new().set("stroke", ink).set("stroke-width", "1");
        for (name, place) in [("x1", x), ("y1", y), ("x2", to_x), ("y2", to_y)] {
            line = line.set(name, short(place));
        }
        self.add(if dashes.is_empty() { line } else { line.set("stroke-dasharray", dashes) });
    }

    pub(super) fn circle(&mut self, (x, y): (f64, f64), radius: f64) {
        let circle = Circle::new().set("cx", short(x)).set("cy", short(y)).set("r", short(radius));
        self.add(outlined(circle.into(), "#fff"));
    }

    pub(super) fn polygon(&mut self, points: &[(f64, f64)], fill: &str) {
        self.add(outlined(Polygon::new().set("points", joined(points)).into(), fill));
    }

    /// A dashed line that holds its height until it moves: each point gives the place where it gets to that height. Drawn
    /// on a light ground, so that it shows on what is dark; written once under a name.
    pub(super) fn stairs(&mut self, name: &str, points: &[(f64, f64)], ink: &str, dashes: &str) {
        let Some(((x, y), steps)) = points.split_first() else { return };
        let start = format!("M{},{}", short(*x), short(*y));
        let data = steps.iter().fold(start, |data, (x, y)| format!("{data}H{}V{}", short(*x), short(*y)));
        let path = Path::new().set("id", name).set("d", data).set("fill", "none").set("stroke-dasharray", dashes);
        self.add(Definitions::new().add(path));
        for (ink, width) in [("#ffffff", "2.6"), (ink, "1.3")] {
            self.add(Use::new().set("href", format!("#{name}")).set("stroke", ink).set("stroke-width", width));
        }
    }

    /// Areas of one height and filling, from a place to another each, as one shape; `edge` is the ink of their edges.
    pub(super) fn blocks(&mut self, spans: &[(f64, f64)], (top, height): (f64, f64), fill: &str, edge: &str) {
        let (top, height) = (short(top), short(height));
        let blocks = spans.iter().map(|(from, to)| (short(*from), short(*to)));
        let data: Vec<String> = blocks.map(|(from, to)| format!("M{from},{top}H{to}v{height}H{from}z")).collect();
        if !data.is_empty() {
            self.add(Path::new().set("d", data.concat()).set("fill", fill).set("stroke", edge));
        }
    }

    /// A filled area.
    pub(super) fn shape(&mut self, points: &[(f64, f64)], ink: &str) {
        let shape = Path::new().set("d", format!("M{}Z", joined(points))).set("fill", ink);
        self.add(shape.set("stroke", ink).set("stroke-width", "0.9").set("stroke-linejoin", "round"));
    }
}

fn outlined(mut element: Element, fill: &str) -> Element {
    for (name, value) in [("fill", fill), ("stroke", INK), ("stroke-width", "1.4")] {
        element.assign(name, Value::from(value));
    }
    element
}

fn area((x, y): (f64, f64), (width, height): (f64, f64), fill: &str) -> Rectangle {
    let (width, height) = (short(width.max(0.0)), short(height.max(0.0)));
    Rectangle::new().set("x", short(x)).set("y", short(y)).set("width", width).set("height", height).set("fill", fill)
}

fn written(x: f64, y: f64, size: f64, held: Held, text: &str) -> Text {
    let text = Text::new(text).set("x", short(x)).set("y", short(y)).set("font-size", short(size));
    match held {
        Held::Left => text,
        Held::Middle => text.set("text-anchor", "middle"),
        Held::Right => text.set("text-anchor", "end"),
    }
}

/// Returns about how wide a text is; rather too wide, as fonts differ.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().fold(0.0, |width, _| width + 0.58 * size)
}

/// Writes a place with one decimal at most: a tenth of a unit is less than can be seen.
pub(super) fn short(place: f64) -> String {
    let text = format!("{place:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn joined(points: &[(f64, f64)]) -> String {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", short(*x), short(*y))).collect();
    points.join(" ")
}
