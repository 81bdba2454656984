//! `justfile` and `Makefile`: recipes by whose names something is usually started.

use crate::init::draft::{Draft, Found};
use crate::init::names::{comes_to_an_end, folder_of, service_name};

/// The likeliest first; of those that start the same thing one is enough.
const NAMES: [&str; 7] = ["dev", "serve", "server", "run", "start", "watch", "up"];

/// Reads the recipes of a justfile.
pub(super) fn read_just(path: &str, text: &str, found: &mut Found) -> Result<(), String> {
    let mut recipes = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with([' ', '\t', '#', '@', '['])) {
        // An assignment has `:=`.
        let Some((head, _)) = line.split_once(':').filter(|(_, rest)| !rest.starts_with('=')) else { continue };
        let mut words = head.split_whitespace();
        let Some(name) = words.next() else { continue };
        // A parameter without a default must be given.
        let needs = words.find(|word| !word.contains('=') && !word.starts_with('*')).map(str::to_owned);
        recipes.push((name.to_owned(), needs));
    }
    choose("just", path, &recipes, found);
    Ok(())
}

/// Reads the targets of a Makefile.
pub(super) fn read_make(path: &str, text: &str, found: &mut Found) -> Result<(), String> {
    let heads =
        text.lines().filter(|line| !line.starts_with([' ', '\t', '#', '.'])).filter_map(|line| line.split_once(':'));
    let heads = heads.filter(|(head, rest)| !rest.starts_with('=') && !head.contains('='));
    let recipes: Vec<(String, Option<String>)> =
        heads.flat_map(|(head, _)| head.split_whitespace()).map(|name| (name.to_owned(), None)).collect();
    choose("make", path, &recipes, found);
    for line in text.lines() {
        let file = ["include ", "-include ", "sinclude "].iter().find_map(|word| line.strip_prefix(word));
        if let Some(file) = file {
            found.skip(path, format!("`include {}` is not read", file.trim()));
        }
    }
    Ok(())
}

fn choose(tool: &str, path: &str, recipes: &[(String, Option<String>)], found: &mut Found) {
    let mut chosen = false;
    for name in NAMES {
        match recipes.iter().find(|(recipe, _)| recipe == name) {
            None => {}
            Some((_, Some(parameter))) => found.skip(path, format!("{name}: needs `{parameter}`")),
            Some(_) if chosen => found.skip(path, format!("{name}: one recipe is used, and this may be the same")),
            Some(_) => {
                let mut draft = Draft::guess(name, format!("{tool} {name}"), path);
                folder_of(path).clone_into(&mut draft.dir);
                draft.remarks.push("not watched: list the files that should restart it in `watch`".into());
                found.drafts.push(draft);
                chosen = true;
            }
        }
    }
    // Whether these go on running is not known.
    let mut said: Vec<&str> = NAMES.to_vec();
    let mut ending = Vec::new();
    for (name, needs) in recipes {
        let plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ':'));
        if plain && !name.starts_with('_') && !said.contains(&name.as_str()) {
            match needs {
                _ if comes_to_an_end(name) => ending.push(name.as_str()),
                Some(parameter) => found.skip(path, format!("{name}: needs `{parameter}`")),
                None => {
                    let line = format!("{} = \"{tool} {name}\"", service_name(name));
                    found.skip(path, format!("{name}: it may keep running; if so: {line}"));
                }
            }
        }
        said.push(name);
    }
    found.skip_ending(path, "recipe", &ending);
}
