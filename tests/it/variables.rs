//! Variables in commands: who puts them in, seen from the programs that get them.

use crate::harness::{Dash, Project, Stream, wait_for};

/// Runs a group of jobs to its end, and returns what it printed.
fn run(project: &Project) -> String {
    let streamed = Stream::run(project, &["--no-tui"]);
    assert_eq!(streamed.code, Some(0), "{streamed:?}");
    streamed.stdout
}

#[test]
fn no_value_is_read_as_a_piece_of_a_text() {
    let project = Project::new(
        "[defaults]\nenv_file = '.env'\nkind = 'job'\n[services]\n\
         run = { run = 'printf %s \"${BAD}${QUOTE}${PW}${LINES2}\" > run; cat /proc/$$/cmdline > argv' }\n\
         loop = { run = 'for p in a b; do echo ${p:-none} \"${UNSET:-${WORD}}\" >> loop; done' }\n\
         valid = { run = 'true', validate = { run = 'printf %s \"${BAD}\" > valid' } }\n\
         ready = { run = 'until test -s ready; do :; done', ready = { cmd = 'printf %s \"${BAD}\" > ready' } }\n\
         list = { run = ['sh', '-c', 'printf %s \"$1\" > list', 'x', '<${BAD}> $$ $x ${QUOTE}'] }\n",
    );
    project.write(".env", "BAD='a; touch X'\nQUOTE=\"it's \\\"\"\nPW='s3cr$et\\n'\nWORD='w$rd'\nLINES2='one\ntwo'\n");
    run(&project);
    assert_eq!(project.read("run"), "a; touch Xit's \"s3cr$et\\none\ntwo");
    assert!(
        project.read("argv").contains("${PW}") && !project.read("argv").contains("s3cr"),
        "{}",
        project.read("argv")
    );
    assert_eq!(project.read("loop"), "a w$rd\nb w$rd\n");
    assert_eq!(project.read("valid"), "a; touch X");
    assert_eq!(project.read("ready"), "a; touch X");
    assert_eq!(project.read("list"), "<a; touch X> $ $x it's \"");
    assert!(!project.path("X").exists());
}

#[test]
fn the_list_of_a_readiness_check_gets_its_values() {
    let project = Project::new(
        "[services]\n\
         api = { run = 'until test -e asked; do :; done', kind = 'job', env = { FILE = 'asked' }, ready = { cmd = ['touch', '${FILE}'] } }\n",
    );
    run(&project);
    assert!(project.path("asked").exists());
}

#[test]
fn hooks_and_stop_commands_are_the_shells_as_well() {
    let project = Project::new(
        "[services.api]\nrun = 'echo $$ > ../home/pid; exec sleep 1000'\nwatch = ['a']\nenv = { BAD = 'a; touch X' }\n\
         on_change = 'run:printf %s \"${BAD}\" > hook'\n\
         stop = { command = 'printf %s \"${BAD}\" > stop; kill $(cat ../home/pid)' }\n",
    );
    project.write("a", "1");
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("watching 1 service");
    dash.wait_while_reading("api is up", |project| project.lines("../home/pid") == 1);
    project.write("a", "2");
    dash.wait_while_reading("the hook has written", |project| project.read("hook") == "a; touch X");
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
    assert_eq!(project.read("stop"), "a; touch X");
    assert!(!project.path("X").exists());
}

#[test]
fn an_environment_file_that_is_a_pipe_is_read_once_for_each_start() {
    let project = Project::new(
        "[services.api]\nrun = 'echo \"password $PW\"; echo $$ > ../home/pid; exec sleep 1000'\nwatch = true\nenv_file = '.env'\n\
         stop = { command = 'echo $PW >> ../home/stopped; kill $(cat ../home/pid)' }\n",
    );
    assert!(project.command("mkfifo").arg(".env").status().unwrap().success());
    assert_eq!(Stream::ask(&project, &["check"]).code, Some(0), "it is not read to check the file");
    let fill = |secret: &str| {
        let line = format!("echo PW={secret} > .env");
        project.command("sh").args(["-c", &line]).spawn().unwrap()
    };
    let mut writer = fill("one");
    let mut stream = Stream::start(&project, &["--no-tui"]);
    stream.wait_for_text("api │ password one");
    assert!(writer.wait().unwrap().success());
    let mut writer = fill("two");
    assert_eq!(Stream::ask(&project, &["restart", "api", "--wait"]).code, Some(0));
    stream.wait_for_text("api │ password two");
    assert!(writer.wait().unwrap().success());
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    stream.wait_exit();
    assert_eq!(project.read("../home/stopped"), "one\ntwo\n");
}

/// Whoever fills the pipe is not there: what runs goes on, and says so. Then he is, and is asked once.
#[test]
fn a_pipe_that_nobody_fills_takes_no_service_down() {
    let project = Project::new(
        "[services.api]\nrun = 'echo start >> ../home/api; echo \"password $PW\"; exec sleep 1000'\nenv_file = '.env'\n",
    );
    assert!(project.command("mkfifo").arg(".env").status().unwrap().success());
    let fill = |secret: &str| project.command("sh").args(["-c", &format!("echo PW={secret} > .env")]).spawn().unwrap();
    let mut writer = fill("one");
    let mut stream = Stream::start(&project, &["--no-tui"]);
    stream.wait_for_text("api │ password one");
    assert!(writer.wait().unwrap().success());
    let restart = Stream::ask(&project, &["restart", "api", "--wait"]);
    assert_eq!(restart.code, Some(5), "{}", restart.stdout);
    assert!(restart.stdout.contains("nothing was written into it within 5s"), "{}", restart.stdout);
    stream.wait_for_text("── stale · ");
    let status = Stream::ask(&project, &["status"]).stdout;
    assert!(status.contains("running (stale)") && status.contains("nothing was written into it"), "{status}");
    assert_eq!(project.lines("../home/api"), 1);
    let mut writer = fill("two");
    assert_eq!(Stream::ask(&project, &["restart", "api", "--wait"]).code, Some(0));
    stream.wait_for_text("api │ password two");
    assert!(writer.wait().unwrap().success());
    assert_eq!(project.lines("../home/api"), 2);
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    stream.wait_exit();
}

/// A service that runs goes on while its environment file is half written.
#[test]
fn a_half_saved_environment_file_takes_no_service_down() {
    let project = Project::new(
        "[services.api]\nrun = \"echo start >> ../home/api; echo name-is-$NAME; exec sleep 1000\"\nenv_file = \".env\"\nwatch = [\".env\"]\n",
    );
    project.write(".env", "NAME=one\n");
    let mut dash = Dash::start(&project, (160, 50), &[]);
    dash.wait_for_text("name-is-one");
    dash.wait_for_text("watching 1 service");
    project.write(".env", "NAME=one\nOTHER=\"tw");
    let screen = dash.wait_for("it is stale, and the log says why", |screen| screen.contains("── stale · "));
    assert!(screen.contains(".env") && screen.contains("line 2"), "{screen}");
    assert_eq!(project.lines("../home/api"), 1);
    project.write(".env", "NAME=three\n");
    dash.wait_for_text("name-is-three");
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
}

/// A port of this machine that nobody listens on.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn folder_address_and_checks_get_the_values_of_the_start() {
    let project = Project::new(
        "[services.api]\nrun = 'pwd > ../../../home/pwd; echo up on $PORT.; exec sleep 1000'\ndir = 'apps/${APP}'\nenv_file = '.env'\n\
         url = 'http://localhost:${PORT}/'\nready = { log = '/^up on ${PORT}.$/' }\n",
    );
    project.write(".env", "PORT=4711\nAPP=web\n");
    project.write("apps/web/x", "");
    let checked = Stream::ask(&project, &["check"]);
    assert_eq!((checked.code, checked.stderr.as_str()), (Some(0), ""));
    let mut stream = Stream::start(&project, &["--no-tui"]);
    stream.wait_for_text("up on 4711.");
    assert_eq!(Stream::ask(&project, &["wait", "api"]).code, Some(0));
    let status = Stream::ask(&project, &["status", "--json"]).stdout;
    assert!(status.contains("\"url\":\"http://localhost:4711/\""), "{status}");
    assert!(project.read("../home/pwd").trim_end().ends_with("apps/web"));
    // The next start has other values.
    project.write(".env", "PORT=4712\nAPP=web\n");
    assert_eq!(Stream::ask(&project, &["restart", "api", "--wait"]).code, Some(0));
    let status = Stream::ask(&project, &["status", "--json"]).stdout;
    assert!(status.contains("\"url\":\"http://localhost:4712/\""), "{status}");
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    stream.wait_exit();
}

#[test]
fn a_missing_value_takes_no_service_down_and_check_says_where() {
    let project = Project::new("[services.api]\nrun = 'echo start >> ../home/api; exec sleep 1000'\n");
    let mut dash = Dash::start(&project, (160, 50), &[]);
    dash.wait_while_reading("api is up", |project| project.lines("../home/api") == 1);
    project.write(
        "procgroup.toml",
        "[services.api]\nrun = 'echo start >> ../home/api; exec sleep 1000'\ndir = '${NOT_SET_HERE}'\n",
    );
    let screen = dash.wait_for("it is stale, and the log says why", |screen| screen.contains("── stale · "));
    assert!(screen.contains("NOT_SET_HERE"), "{screen}");
    assert_eq!(project.lines("../home/api"), 1);
    let checked = Stream::ask(&project, &["check", "--json"]);
    assert!(checked.stdout.contains("\"unset-variable\"") && checked.stdout.contains("\"line\":3"), "{checked:?}");
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
}

#[test]
fn a_probe_with_values_is_exchanged_beside_the_run() {
    let (one, other) = (free_port(), free_port());
    let file = |port: &str| {
        format!(
            "[services.api]\nrun = 'echo start >> ../home/api; exec sleep 1000'\nenv = {{ ONE = '{one}', OTHER = '{other}' }}\n\
             url = 'http://localhost:{port}'\nready = {{ port = '{port}', timeout = '60s' }}\n"
        )
    };
    let project = Project::new(&file("${ONE}"));
    let stream = Stream::start(&project, &["--no-tui"]);
    let has = |text: &str| Stream::ask(&project, &["status", "--json"]).stdout.contains(text);
    wait_for("the address is known", || has(&format!("localhost:{one}")));
    let _listener = std::net::TcpListener::bind(("127.0.0.1", other)).unwrap();
    project.write("procgroup.toml", file("${OTHER}"));
    let waited = Stream::ask(&project, &["wait", "api", "--timeout", "30s"]);
    assert_eq!(waited.code, Some(0), "{waited:?} {}", Stream::ask(&project, &["events"]).stdout);
    wait_for("the other address is known", || has(&format!("localhost:{other}")));
    assert_eq!(project.lines("../home/api"), 1, "the run goes on");
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    stream.wait_exit();
}
