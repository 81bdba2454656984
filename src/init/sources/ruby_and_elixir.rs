//! `Gemfile` and `mix.exs`: Rails with its helpers, Phoenix.

use super::name_by_folder;
use crate::init::draft::{Draft, Found, Ready};
use crate::init::names::{below, folder_of};
use crate::init::repository::Repository;

/// Reads which gems are used.
pub(super) fn read_gemfile(
    path: &str,
    text: &str,
    repository: &dyn Repository,
    found: &mut Found,
) -> Result<(), String> {
    let folder = folder_of(path);
    let gem = |name: &str| {
        let mut lines = text.lines().map(str::trim).filter_map(|line| line.strip_prefix("gem "));
        lines.any(|line| {
            line.trim_start()
                .trim_start_matches(['"', '\''])
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['"', '\'']))
        })
    };
    if gem("rails") {
        let own = repository.files().contains(&below(folder, "bin/rails"));
        let line = if own { "bin/rails server" } else { "bundle exec rails server" };
        let mut draft = Draft::guess(name_by_folder(folder, "web"), line, path);
        draft.ready = Some(Ready::Port(3000));
        draft.url = Some("http://localhost:3000".into());
        folder.clone_into(&mut draft.dir);
        found.drafts.push(draft);
    } else if gem("sinatra") || gem("rack") {
        if repository.files().contains(&below(folder, "config.ru")) {
            let mut draft = Draft::guess(name_by_folder(folder, "web"), "bundle exec rackup", path);
            draft.ready = Some(Ready::Port(9292));
            draft.url = Some("http://localhost:9292".into());
            folder.clone_into(&mut draft.dir);
            found.drafts.push(draft);
        } else {
            found.skip(path, "there is no config.ru to say what to serve");
        }
    }
    if gem("sidekiq") {
        let mut draft = Draft::guess("sidekiq", "bundle exec sidekiq", path);
        draft.remarks.push("reloads the code of Rails by itself in development".into());
        folder.clone_into(&mut draft.dir);
        found.drafts.push(draft);
    }
    Ok(())
}

/// Reads whether Phoenix is used.
pub(super) fn read_mix(path: &str, text: &str, found: &mut Found) -> Result<(), String> {
    let folder = folder_of(path);
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    if !code.contains("{:phoenix,") {
        found.skip(path, "does not depend on Phoenix, so it does not say what to start");
        return Ok(());
    }
    let mut draft = Draft::guess(name_by_folder(folder, "web"), "mix phx.server", path);
    draft.ready = Some(Ready::Port(4000));
    draft.url = Some("http://localhost:4000".into());
    folder.clone_into(&mut draft.dir);
    found.drafts.push(draft);
    Ok(())
}
