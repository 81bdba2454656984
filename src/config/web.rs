//! `[web]`: where the page of the group is served, and by which names.

use std::net::IpAddr;
use std::sync::Arc;

use toml::Spanned;
use toml::de::DeValue;

use super::diagnostic::Diagnostic;
use super::keys::WEB;
use super::ports;
use super::problems::{Fields, Problems, Slot, shown};
use crate::domain::WebSpec;

const EXAMPLE: &str = "[web]\nport = \"auto\"";

/// Reads the section.
pub(super) fn read(slot: Slot<'_, '_>, problems: &mut Problems) -> Option<WebSpec> {
    let DeValue::Table(table) = slot.value.get_ref() else {
        // A string is a service, of which the reader of the keys has spoken.
        if !matches!(slot.value.get_ref(), DeValue::String(_)) {
            problems.add(slot.wrong_type().help(EXAMPLE));
        }
        return None;
    };
    let fields = Fields::open(&WEB, table, "`[web]`", problems);
    let default = WebSpec::default();
    let port = fields.read_value("port", problems, ports::port).map_or(default.port, Spanned::into_inner);
    let host = fields.read_value("host", problems, host);
    let allowed = fields.read_value("allow_remote", problems, Slot::boolean).is_some_and(Spanned::into_inner);
    let hosts = fields
        .read("hosts", problems, |slot, problems| slot.list(problems, |slot, problems| problems.keep(name(slot))));
    let hosts = hosts.map(|hosts| hosts.into_inner().into_iter().map(Spanned::into_inner).collect::<Vec<_>>());
    if let Some(remote) = host.as_ref().filter(|host| !host.get_ref().is_loopback()) {
        let complete = allowed && hosts.as_ref().is_some_and(|hosts| !hosts.is_empty());
        if !complete && !fields.is_meant("allow_remote") && !fields.is_meant("hosts") {
            problems.add(
                Diagnostic::error("remote", format!("other machines can reach {}", remote.get_ref()))
                    .at(remote.span(), "not a loopback address")
                    .help("if that is intended, allow it, and list the host names browsers use:\nallow_remote = true\nhosts = [\"dev.box:7700\"]"),
            );
        }
    }
    let host = host.map_or(default.host, |host| Arc::from(host.into_inner().to_string()));
    Some(WebSpec { port, host, hosts: hosts.unwrap_or_default() })
}

/// An address of this machine. A name could be that of any.
fn host(slot: Slot<'_, '_>) -> Result<IpAddr, Diagnostic> {
    let text = slot.word()?;
    match text {
        "localhost" => Ok(IpAddr::from([127, 0, 0, 1])),
        text => text.trim_start_matches('[').trim_end_matches(']').parse().map_err(|_| {
            let with_port = text.parse::<std::net::SocketAddr>().is_ok();
            let label = if with_port { "the port has a key of its own" } else { "not an IP address" };
            Diagnostic::error("address", format!("`{}` is not an address to listen on", shown(text)))
                .at(slot.span(), label)
                .help("host = \"127.0.0.1\"   the loopback, the default; a name belongs to `hosts`")
        }),
    }
}

/// `dev.box:7700`, `dev.box` or `[fd00::1]:7700`: what a browser sends as `Host`.
fn name(slot: Slot<'_, '_>) -> Result<String, Diagnostic> {
    let text = slot.word()?;
    let wrong = |label: &str| {
        Err(Diagnostic::error("address", format!("`{}` is not a name of a machine", shown(text)))
            .at(slot.span(), label.to_owned())
            .help("hosts = [\"dev.box:7700\"]   as the browser has it between `http://` and the next `/`"))
    };
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !text.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    if text.contains("://") || text.contains('/') {
        return wrong("a name, not an address");
    }
    if text.contains('*') {
        return wrong("each name is written out");
    }
    if port.is_some_and(|port| !port.parse::<u16>().is_ok_and(|port| port > 0)) {
        return wrong("a port is a number from 1 to 65535");
    }
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let is_name = match bare {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            !name.is_empty() && name.chars().all(fits)
        }
    };
    if is_name { Ok(text.to_owned()) } else { wrong("letters, digits, `-` and `.`, and maybe a port") }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{RenderStyle, parse};
    use crate::domain::AskedPort;

    fn read(web: &str) -> Result<Option<WebSpec>, String> {
        let text = format!("{web}\n[services]\napi = 'a'\n");
        match parse(&text, Path::new("/w/procgroup.toml")) {
            Ok(loaded) => Ok(loaded.spec.web),
            Err(found) => Err(found.render(RenderStyle { color: false, unicode: true, width: 80 })),
        }
    }

    #[test]
    fn it_is_on_with_its_section_and_on_the_loopback() {
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("[web]"), Ok(Some(WebSpec::default())));
        let asked = read("[web]\nport = 7700\nhost = 'localhost'\nhosts = ['dev.box:7700', 'proxy', '[fd00::1]:1']");
        let hosts = ["dev.box:7700", "proxy", "[fd00::1]:1"].map(str::to_owned).to_vec();
        let expected = WebSpec { port: AskedPort::Fixed(7700), host: "127.0.0.1".into(), hosts };
        assert_eq!(asked, Ok(Some(expected)));
        assert_eq!(&*read("[web]\nhost = '::1'").unwrap().unwrap().host, "::1");
    }

    #[test]
    fn another_address_needs_leave_and_names() {
        let no_names = "allow_remote = true\nhosts = []";
        let no_leave = "allow_remote = false\nhosts = ['dev.box']";
        for missing in ["", "allow_remote = true", "hosts = ['dev.box']", no_leave, no_names] {
            let said = read(&format!("[web]\nhost = '0.0.0.0'\n{missing}")).unwrap_err();
            assert!(said.contains("other machines can reach 0.0.0.0"), "{missing}: {said}");
        }
        let web = read("[web]\nhost = '0.0.0.0'\nallow_remote = true\nhosts = ['dev.box']").unwrap().unwrap();
        assert_eq!((&*web.host, web.hosts.len()), ("0.0.0.0", 1));
    }

    #[test]
    fn each_mistake_points_at_its_text() {
        let text = "[web]\nprot = 1\nport = '7700'\nhost = 'dev.box'\nallow_remote = 1\n\
                    hosts = ['http://dev.box', '*.box', 'dev.box:0', 'a b', '[::1', 5]";
        insta::assert_snapshot!(read(text).unwrap_err());
        assert!(read("web = 'npm run dev'").unwrap_err().contains("[services]"));
        assert!(read("[web]\nhost = '127.0.0.1:7700'").unwrap_err().contains("the port has a key of its own"));
    }
}
