//! Filling a template: its texts become pictures, its other places what they stand for.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use resvg::usvg::roxmltree::{Document, Node, ParsingOptions};
use svgtypes::Color;

use super::name;
use super::text::{self, Line, Style};

/// Texts are drawn so much larger than they will be, and scaled with the rest: so they stay sharp wherever they are put.
const FINER: f32 = 2.0;
/// What SVG takes where a text says nothing.
const FONT_SIZE: f32 = 16.0;
/// Texts beyond these are left out: a label has a few.
const MOST_TEXTS: usize = 16;

/// What is put into the places.
pub(super) struct Filling<'a> {
    pub(super) name: &'a str,
    /// Of the avatar; empty for none.
    pub(super) address: &'a str,
    /// Height of the picture.
    pub(super) lines: u32,
}

/// The template, filled; an error names the place in it.
pub(super) fn fill(template: &str, with: &Filling<'_>) -> Result<String, String> {
    if template.contains("<!ENTITY") {
        return Err("it declares entities, which are not taken".to_owned());
    }
    // Many a drawing program writes a DOCTYPE.
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(template, options).map_err(|error| error.to_string())?;
    let root = document.root_element();
    let height = units(&root);
    let scale = with.lines as f32 / height * FINER;
    let whole = name::clean(with.name);
    let mut name_width = 0.0;
    let (mut filled, mut at) = (String::with_capacity(template.len()), 0);
    let texts = root.descendants().filter(|node| node.has_tag_name((SVG, "text")));
    for node in texts.take(MOST_TEXTS) {
        // One within another was drawn with it.
        if node.range().start < at {
            continue;
        }
        filled.push_str(&template[at..node.range().start]);
        at = node.range().end;
        let most = number(&node, "data-max-width").unwrap_or(height * 1.6);
        let content: String =
            node.descendants().filter_map(|child| child.text().filter(|_| child.is_text())).collect();
        let style = style(&node, scale);
        let Some(line) = fitted(&content.replace("{name}", &whole), &style, most * scale)? else {
            continue;
        };
        let width = line.picture.width() as f32 / scale;
        if node.attribute("id") == Some("name") {
            name_width = width;
        }
        filled.push_str(&picture(&node, &line, scale)?);
    }
    filled.push_str(&template[at..]);
    let filled = filled.replace("{name_width}", &format!("{name_width:.1}"));
    Ok(filled.replace("{avatar}", with.address).replace("{name}", &name::escape(&whole)))
}

const SVG: &str = "http://www.w3.org/2000/svg";

/// Height of the template in its own units.
fn units(root: &Node<'_, '_>) -> f32 {
    let box_height = root.attribute("viewBox").and_then(|value| {
        value.split([' ', ',']).filter(|part| !part.is_empty()).nth(3)?.parse::<f32>().ok()
    });
    let height = box_height.or_else(|| number(root, "height"));
    height.filter(|height| height.is_finite() && *height > 0.0).unwrap_or(720.0)
}

fn fitted(content: &str, style: &Style, most: f32) -> Result<Option<Line>, String> {
    let content = content.split_whitespace().collect::<Vec<_>>().join(" ");
    let draw = |content: &str| text::draw(content, style, most);
    let whole = draw(&content)?;
    let fits = |line: &Option<Line>| line.as_ref().is_none_or(|line| line.picture.width() as f32 <= most);
    if fits(&whole) {
        return Ok(whole);
    }
    draw(&name::fitted(&content, |part| draw(part).is_ok_and(|line| fits(&line))))
}

/// A number of an element, without its unit.
fn number(node: &Node<'_, '_>, attribute: &str) -> Option<f32> {
    let value = node.attribute(attribute)?.trim().trim_end_matches("px");
    value.parse().ok().filter(|value: &f32| value.is_finite())
}

/// An attribute of an element or of the nearest around it that has it.
fn inherited<'a>(node: &Node<'a, '_>, attribute: &str) -> Option<&'a str> {
    node.ancestors().find_map(|node| node.attribute(attribute))
}

fn style(node: &Node<'_, '_>, scale: f32) -> Style {
    let with_size = node.ancestors().find(|node| node.has_attribute("font-size"));
    let size = with_size.and_then(|node| number(&node, "font-size")).unwrap_or(FONT_SIZE);
    let bold = inherited(node, "font-weight")
        .is_some_and(|weight| weight == "bold" || weight.parse::<u32>().is_ok_and(|weight| weight >= 600));
    let colour = inherited(node, "fill").and_then(|fill| fill.parse().ok());
    Style {
        family: inherited(node, "font-family").unwrap_or("sans-serif").to_owned(),
        weight: if bold { "Bold" } else { "" },
        size: (size * scale).clamp(1.0, 1000.0),
        colour: colour.unwrap_or(Color::black()),
    }
}

/// The line as an element, in the place of the text.
fn picture(node: &Node<'_, '_>, line: &Line, scale: f32) -> Result<String, String> {
    let (width, height) = (line.picture.width() as f32 / scale, line.picture.height() as f32 / scale);
    let anchor = match inherited(node, "text-anchor") {
        Some("middle") => width / 2.0,
        Some("end") => width,
        Some(_) | None => 0.0,
    };
    let x = number(node, "x").unwrap_or(0.0) - anchor;
    let y = number(node, "y").unwrap_or(0.0) - line.above / scale;
    let kept = ["id", "opacity", "transform"].into_iter().filter_map(|attribute| {
        Some(format!(" {attribute}=\"{}\"", name::escape(node.attribute(attribute)?)))
    });
    let png = line.picture.encode_png().map_err(|error| error.to_string())?;
    Ok(format!(
        "<image{} x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" href=\"data:image/png;base64,{}\"/>",
        kept.collect::<String>(),
        BASE64_STANDARD.encode(png)
    ))
}
