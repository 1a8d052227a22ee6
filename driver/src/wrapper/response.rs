//! Response files (`@file`), read as clang reads them: options of ours may be inside.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// Deeper nesting than this is a file that includes itself.
const MAX_DEPTH: usize = 32;

/// Replaces each `@file` by the words of the file. As in clang, an `@file` that does not exist is
/// an ordinary argument.
pub fn expand(arguments: Vec<OsString>) -> Result<Vec<OsString>, String> {
    let mut expanded = Vec::with_capacity(arguments.len());
    for argument in arguments {
        expand_one(argument, 0, &mut expanded)?;
    }
    Ok(expanded)
}

fn expand_one(argument: OsString, depth: usize, into: &mut Vec<OsString>) -> Result<(), String> {
    let Some(name) = argument.as_bytes().strip_prefix(b"@") else {
        into.push(argument);
        return Ok(());
    };
    let path = Path::new(OsStr::from_bytes(name));
    if !path.exists() {
        into.push(argument);
        return Ok(());
    }
    if depth == MAX_DEPTH {
        return Err(format!(
            "response file '{}' includes itself",
            path.display()
        ));
    }
    let text = fs::read(path)
        .map_err(|error| format!("cannot read response file '{}': {error}", path.display()))?;
    for word in split(&text) {
        expand_one(word, depth + 1, into)?;
    }
    Ok(())
}

/// Splits as GNU tools do: blanks separate, a backslash takes the next byte as it is, single and
/// double quotes group (a backslash works in both, as in LLVM's tokenizer only in double ones).
fn split(text: &[u8]) -> Vec<OsString> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => words.extend(word.take()),
            b'\\' => word.get_or_insert_default().extend(bytes.next()),
            b'"' | b'\'' => {
                let word = word.get_or_insert_default();
                while let Some(inner) = bytes.next() {
                    match inner {
                        _ if inner == byte => break,
                        b'\\' if byte == b'"' => word.extend(bytes.next()),
                        _ => word.push(inner),
                    }
                }
            }
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    words.into_iter().map(OsString::from_vec).collect()
}

/// The text of a response file with these words.
pub fn join(words: &[OsString]) -> Vec<u8> {
    let mut text = Vec::new();
    for word in words {
        text.push(b'"');
        for &byte in word.as_bytes() {
            if matches!(byte, b'"' | b'\\') {
                text.push(b'\\');
            }
            text.push(byte);
        }
        text.extend_from_slice(b"\"\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        split(text.as_bytes())
            .into_iter()
            .map(|w| w.into_string().unwrap())
            .collect()
    }

    #[test]
    fn splits_as_gnu_tools_do() {
        assert_eq!(words("a b\n\tc"), ["a", "b", "c"]);
        assert_eq!(
            words(r#"-DX="a b" 'c d' e\ f "" g"#),
            ["-DX=a b", "c d", "e f", "", "g"]
        );
        assert_eq!(words(r#""a\"b" 'c\d'"#), ["a\"b", "c\\d"]);
    }

    #[test]
    fn joined_words_split_again() {
        let words: Vec<OsString> = ["a b", "c\"d", "e\\f", "", "g\nh"]
            .map(OsString::from)
            .into();
        assert_eq!(split(&join(&words)), words);
    }

    #[test]
    fn a_file_that_includes_itself_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("r");
        let mut argument = OsString::from("@");
        argument.push(&file);
        fs::write(&file, join(&[argument.clone()])).unwrap();
        assert!(
            expand(vec![argument])
                .unwrap_err()
                .contains("includes itself")
        );
    }
}
