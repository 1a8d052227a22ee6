//! The corpus's file format (`corpus/README.md`): paragraphs, each one program or a pair of them.

use std::path::Path;

use privbox_verifier::manifest::{Level, Strength};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    Accept,
    /// At least one finding must be for one of these rules (ids as in `rule::Rule::id`).
    Reject(Vec<String>),
}

/// One program to assemble and verify.
#[derive(Clone, Debug)]
pub struct Case {
    /// `file.s: name`, with ` (twin)` for the accepted one of a pair.
    pub name: String,
    pub file: String,
    /// Number of the paragraph's first line.
    pub line: usize,
    pub why: String,
    pub expect: Expect,
    pub level: Level,
    pub strength: Strength,
    /// Whether the image declares CPU features; without them `tzcnt` is `bsf`.
    pub features: bool,
    /// Source lines with their numbers in the file.
    pub body: Vec<(usize, String)>,
}

struct Header<'a> {
    reject: bool,
    name: &'a str,
    rules: Vec<String>,
    keys: Vec<(&'a str, &'a str)>,
}

impl<'a> Header<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let reject = match words.next() {
            Some("accept") => false,
            Some("reject") => true,
            other => return Err(format!("expected accept or reject, found {other:?}")),
        };
        let name = words.next().ok_or("a case needs a name")?;
        let mut header = Header {
            reject,
            name,
            rules: Vec::new(),
            keys: Vec::new(),
        };
        for word in words {
            match word.split_once('=') {
                Some(key) => header.keys.push(key),
                None => header.rules.push(word.to_string()),
            }
        }
        if header.reject == header.rules.is_empty() {
            return Err("a reject case names its rules, an accept case has none".into());
        }
        Ok(header)
    }

    /// The value of `key`; for a twin, `twin-key` wins.
    fn key(&self, key: &str, twin: bool) -> Option<&'a str> {
        let find = |k: &str| {
            self.keys
                .iter()
                .find(|(name, _)| *name == k)
                .map(|(_, v)| *v)
        };
        let own = find(key);
        if twin {
            find(&format!("twin-{key}")).or(own)
        } else {
            own
        }
    }
}

/// Number of its first line, its header, and its numbered lines.
type Paragraph<'a> = (usize, &'a str, Vec<(usize, &'a str)>);

/// All cases of a corpus file.
pub fn read(path: &Path) -> Result<Vec<Case>, String> {
    let file = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut cases = Vec::new();
    let mut paragraph: Option<Paragraph> = None;
    for (index, line) in text.lines().enumerate() {
        if let Some(header) = line.strip_prefix("### ") {
            if let Some(done) = paragraph.take() {
                cases.extend(read_paragraph(&file, done)?);
            }
            paragraph = Some((index + 1, header, Vec::new()));
        } else if let Some((_, _, body)) = &mut paragraph {
            body.push((index + 1, line));
        }
    }
    if let Some(done) = paragraph {
        cases.extend(read_paragraph(&file, done)?);
    }
    Ok(cases)
}

fn read_paragraph(file: &str, (line, header, body): Paragraph) -> Result<Vec<Case>, String> {
    let at = |e: String| format!("{file}:{line}: {e}");
    let header = Header::parse(header).map_err(at)?;
    let why: Vec<&str> = body
        .iter()
        .filter_map(|(_, l)| l.strip_prefix("# "))
        .collect();
    if why.is_empty() {
        return Err(at("a case says why in a comment".into()));
    }
    let variant = |twin: bool| -> Result<Case, String> {
        let (kept, dropped) = if twin { ('+', '-') } else { ('-', '+') };
        let mut lines = Vec::new();
        for &(number, l) in &body {
            if l.starts_with('#') || l.starts_with(dropped) || l.trim().is_empty() {
                continue;
            }
            lines.push((number, l.strip_prefix(kept).unwrap_or(l).to_string()));
        }
        let level = match header.key("level", twin) {
            None | Some("mask") => Level::Mask,
            Some("pks") => Level::Pks,
            Some("spap") => Level::Spap,
            Some(other) => return Err(at(format!("unknown level {other}"))),
        };
        let strength = match header.key("strength", twin) {
            None | Some("architectural") => Strength::Architectural,
            Some("transient") => Strength::Transient,
            Some(other) => return Err(at(format!("unknown strength {other}"))),
        };
        let accept = twin || !header.reject;
        Ok(Case {
            name: format!(
                "{file}: {}{}",
                header.name,
                if twin { " (twin)" } else { "" }
            ),
            file: file.to_string(),
            line,
            why: why.join(" "),
            expect: if accept {
                Expect::Accept
            } else {
                Expect::Reject(header.rules.clone())
            },
            level,
            strength,
            features: header.key("features", twin) != Some("none"),
            body: lines,
        })
    };
    if !header.reject {
        return Ok(vec![variant(false)?]);
    }
    let (attack, twin) = (variant(false)?, variant(true)?);
    let same_settings = (attack.level, attack.strength, attack.features)
        == (twin.level, twin.strength, twin.features);
    if same_settings && attack.body == twin.body {
        return Err(at(
            "the twin does not differ: mark its lines with + and -".into()
        ));
    }
    Ok(vec![attack, twin])
}
