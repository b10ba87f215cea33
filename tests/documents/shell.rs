//! Lines of code as a shell and the program read them.

use clap::CommandFactory;
use coguestd::cli::Arguments;

/// The words of a line as a shell reads them, up to its comment.
pub fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars().chain([' ']) {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '#') if word.is_empty() => break,
            (None, ' ' | '\t') => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (None, ';' | '|' | '&' | '>' | '(' | ')' | '$') => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                words.push(c.to_string());
            }
            (Some(_) | None, c) => word.push(c),
        }
    }
    words
}

/// Each call of the program in the line: what follows its name.
pub fn calls(line: &str) -> Vec<Vec<String>> {
    let ends = [";", "|", "&", ">", "(", ")", "$"];
    let words = words(line);
    let starts = words.iter().enumerate().filter(|(_, word)| *word == "coguestd").map(|(at, _)| at);
    starts
        .filter(|at| {
            *at == 0 || !matches!(words[at - 1].as_str(), "-u" | "status" | "reload" | "edit" | "--now")
        })
        .map(|at| words[at + 1..].iter().take_while(|word| !ends.contains(&word.as_str())).cloned().collect())
        .collect()
}

/// What is wrong with the options of a call, and its words that belong to none.
pub fn read_call(call: &[String]) -> Result<(String, Vec<String>), String> {
    let program = Arguments::command();
    let Some(name) = call.first().filter(|word| !word.starts_with(['-', '[', '<'])) else {
        return Ok((String::new(), Vec::new()));
    };
    let sub = program.find_subcommand(name).ok_or_else(|| format!("there is no subcommand {name}"))?;
    let known = || sub.get_arguments().chain(program.get_arguments());
    let (mut rest, mut words) = (Vec::new(), call[1..].iter());
    while let Some(word) = words.next() {
        let long = word.strip_prefix("--").map(|option| option.split('=').next().unwrap_or(option));
        let short = word.strip_prefix('-').and_then(|option| option.chars().next());
        let option = match (long, short) {
            (Some("help" | "version"), _) => continue,
            (Some(long), _) => known().find(|argument| argument.get_long() == Some(long)),
            (None, Some('h')) => continue,
            (None, Some(short)) => known().find(|argument| argument.get_short() == Some(short)),
            (None, None) => {
                rest.push(word.clone());
                continue;
            }
        };
        let option = option.ok_or_else(|| format!("{name} has no option {word}"))?;
        if option.get_action().takes_values() && !word.contains('=') {
            words.next();
        }
    }
    Ok((name.clone(), rest))
}

/// `DEVICE`, `NAME`, `…`: what stands for something else.
pub fn is_placeholder(word: &str) -> bool {
    !word.chars().any(|c| c.is_ascii_lowercase()) || word.contains(['…', '{', '<', '['])
}
