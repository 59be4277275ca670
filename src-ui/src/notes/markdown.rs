//! Notes as a closed set of nodes: what is not in the set is shown as the text that it is.
//!
//! A note may come from anybody. No markup of it reaches the page: raw HTML stays text, an image is its
//! words, and a link is its text with its address behind it, which leads nowhere by itself. Depth and
//! length are bounded, so that no note can hold the window up.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Nodes inside nodes; what lies deeper is joined to the one above it.
const DEEPEST: usize = 12;
/// Nodes of a note; what comes after them is left out, and said.
const MOST_NODES: usize = 4_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Text(String),
    Code(String),
    Block(String),
    Break,
    Rule,
    /// The address of a link or an image, behind its words.
    Address(String),
    Inside(Kind, Vec<Node>),
    /// The rest of the note, which is too long to show.
    LeftOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Paragraph,
    Heading(u8),
    Quote,
    List,
    Numbered,
    Item,
    Strong,
    Emphasis,
    Struck,
}

/// Reads a note.
pub(crate) fn parse(text: &str) -> Vec<Node> {
    let mut stack: Vec<(Option<Kind>, Vec<Node>)> = vec![(None, Vec::new())];
    let mut addresses: Vec<String> = Vec::new();
    let mut block: Option<String> = None;
    let mut count = 0;
    for event in Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH) {
        count += 1;
        if count > MOST_NODES {
            while stack.len() > 1 {
                close(&mut stack);
            }
            push(&mut stack, Node::LeftOut);
            break;
        }
        match event {
            Event::Start(Tag::CodeBlock(_) | Tag::HtmlBlock) => block = Some(String::new()),
            Event::End(TagEnd::CodeBlock | TagEnd::HtmlBlock) => {
                push(&mut stack, Node::Block(block.take().unwrap_or_default()));
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                addresses.push(dest_url.into_string());
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                let address = addresses.pop().unwrap_or_default();
                // A bare address is its own text already.
                if last_text(&stack) != Some(address.as_str()) {
                    push(&mut stack, Node::Address(address));
                }
            }
            Event::Start(tag) => {
                if let Some(kind) = kind_of(&tag) {
                    stack.push((Some(kind), Vec::new()));
                }
            }
            Event::End(end) => {
                if has_kind(end) && stack.len() > 1 {
                    close(&mut stack);
                }
            }
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => match &mut block {
                Some(block) => block.push_str(&text),
                None => push(&mut stack, Node::Text(text.into_string())),
            },
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                push(&mut stack, Node::Code(text.into_string()));
            }
            Event::SoftBreak => push(&mut stack, Node::Text(" ".into())),
            Event::HardBreak => push(&mut stack, Node::Break),
            Event::Rule => push(&mut stack, Node::Rule),
            Event::FootnoteReference(text) => push(&mut stack, Node::Text(text.into_string())),
            Event::TaskListMarker(_) => {}
        }
    }
    while stack.len() > 1 {
        close(&mut stack);
    }
    stack.pop().map(|(_, nodes)| nodes).unwrap_or_default()
}

fn kind_of(tag: &Tag<'_>) -> Option<Kind> {
    match tag {
        Tag::Paragraph => Some(Kind::Paragraph),
        Tag::Heading { level, .. } => Some(Kind::Heading(match level {
            HeadingLevel::H1 => 1,
            HeadingLevel::H2 => 2,
            HeadingLevel::H3 | HeadingLevel::H4 | HeadingLevel::H5 | HeadingLevel::H6 => 3,
        })),
        Tag::BlockQuote(_) => Some(Kind::Quote),
        Tag::List(None) => Some(Kind::List),
        Tag::List(Some(_)) => Some(Kind::Numbered),
        Tag::Item => Some(Kind::Item),
        Tag::Strong => Some(Kind::Strong),
        Tag::Emphasis => Some(Kind::Emphasis),
        Tag::Strikethrough => Some(Kind::Struck),
        // Not switched on, or dealt with where they stand.
        _ => None,
    }
}

fn has_kind(end: TagEnd) -> bool {
    matches!(
        end,
        TagEnd::Paragraph
            | TagEnd::Heading(_)
            | TagEnd::BlockQuote(_)
            | TagEnd::List(_)
            | TagEnd::Item
            | TagEnd::Strong
            | TagEnd::Emphasis
            | TagEnd::Strikethrough
    )
}

fn push(stack: &mut [(Option<Kind>, Vec<Node>)], node: Node) {
    let Some((_, nodes)) = stack.last_mut() else { return };
    match (nodes.last_mut(), node) {
        (Some(Node::Text(before)), Node::Text(text)) => before.push_str(&text),
        (_, node) => nodes.push(node),
    }
}

fn close(stack: &mut Vec<(Option<Kind>, Vec<Node>)>) {
    let depth = stack.len();
    let Some((Some(kind), nodes)) = stack.pop() else { return };
    let Some((_, above)) = stack.last_mut() else { return };
    if depth > DEEPEST {
        above.extend(nodes);
    } else {
        above.push(Node::Inside(kind, nodes));
    }
}

fn last_text(stack: &[(Option<Kind>, Vec<Node>)]) -> Option<&str> {
    match stack.last()?.1.last()? {
        Node::Text(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(nodes: &[Node]) -> String {
        let mut out = String::new();
        for node in nodes {
            match node {
                Node::Text(text) | Node::Code(text) | Node::Block(text) => out.push_str(text),
                Node::Address(address) => out.push_str(&format!("<{address}>")),
                Node::Inside(kind, nodes) => out.push_str(&format!("{kind:?}({})", words(nodes))),
                Node::Break => out.push('/'),
                Node::Rule => out.push('-'),
                Node::LeftOut => out.push('~'),
            }
        }
        out
    }

    #[test]
    fn the_marks_of_markdown_become_nodes() {
        assert_eq!(
            words(&parse(
                "# Shop\n\nAsk **ann** or *ben*, `systemctl status`.\n\n- one\n- two\n\n1. first\n\n---\n\n> quote"
            )),
            "Heading(1)(Shop)Paragraph(Ask Strong(ann) or Emphasis(ben), systemctl status.)\
             List(Item(one)Item(two))Numbered(Item(first))-Quote(Paragraph(quote))"
        );
        assert_eq!(words(&parse("```sh\nrm -rf x\n```")), "rm -rf x\n");
    }

    #[test]
    fn raw_html_of_any_kind_is_the_text_that_it_is() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "text <b onmouseover=\"alert(1)\">bold</b>",
            "<iframe src=\"http://127.0.0.1\"></iframe>",
            "<style>*{display:none}</style>",
            "<!-- --><svg/onload=alert(1)>",
            "<a href=\"javascript:alert(1)\">x</a>",
            "<math><mi xlink:href=\"javascript:alert(1)\">",
        ] {
            let shown = words(&parse(hostile));
            assert!(shown.contains('<') && shown.contains('>'), "{hostile} became {shown}");
        }
    }

    #[test]
    fn links_and_images_are_their_words_with_their_address() {
        assert_eq!(words(&parse("[docs](https://x.invalid/a)")), "Paragraph(docs<https://x.invalid/a>)");
        assert_eq!(words(&parse("[run](javascript:alert(1))")), "Paragraph(run<javascript:alert(1)>)");
        assert_eq!(
            words(&parse("![pixel](http://x.invalid/p.png)")),
            "Paragraph(pixel<http://x.invalid/p.png>)"
        );
        assert_eq!(words(&parse("<https://x.invalid>")), "Paragraph(https://x.invalid)");
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let deep = "> ".repeat(500) + "x";
        fn depth(nodes: &[Node]) -> usize {
            let inside = nodes.iter().map(|node| match node {
                Node::Inside(_, nodes) => 1 + depth(nodes),
                _ => 0,
            });
            inside.max().unwrap_or(0)
        }
        let nodes = parse(&deep);
        assert!(depth(&nodes) <= DEEPEST, "{}", depth(&nodes));
        assert!(words(&nodes).contains('x'));
        assert!(words(&parse(&"a\n\n".repeat(20_000))).ends_with('~'));
        for seed in 0..2_000_u64 {
            // Any bytes at all are a note, and none of them ends the reading.
            let text: String = (0..40)
                .map(|n| {
                    "*_`<>[]()!#-\n \\a&1.~|:\"'{}"[..]
                        .chars()
                        .nth(((seed * 31 + n) * 2_654_435_761 % 27) as usize)
                        .unwrap_or('x')
                })
                .collect();
            parse(&text);
        }
    }
}
