//! Stack files: what is read, how a user's file is laid over the default, and what each mistake is answered with.

use harness::stack::{FileSource, Quantity, Resources, Source, Stack};
use rstest::rstest;

fn stack(text: &str) -> Stack {
    Stack::parse("mine.toml", text).expect("the file has no mistake")
}

/// The whole message for a file with a mistake.
fn mistake(text: &str) -> String {
    let error = Stack::parse("mine.toml", text).expect_err("the file has a mistake");
    assert_eq!(error.kind(), harness::Kind::Usage);
    error.explain()
}

#[test]
fn the_default_is_the_readmes_cluster() {
    let stack = Stack::load(None).unwrap();
    assert_eq!(stack.name, "default");
    assert_eq!(stack.files, ["fixtures/stacks/default.toml"]);
    for name in ["mesos-master", "mesos-agent"] {
        let spec = stack.component(name).unwrap();
        assert_eq!(spec.source, Source::Version("1.11.0".to_owned()));
        assert!(spec.args.is_empty() && spec.env.is_empty() && spec.files.is_empty() && spec.cmd.is_none());
    }
    let first = &stack.agent_on("mesos-slave1").resources;
    assert_eq!(first.to_string(), "cpus:4;mem:2929;disk:35164;ports:[31000-32000]");
    for node in ["mesos-slave2", "mesos-slave5"] {
        let other = &stack.agent_on(node).resources;
        assert_eq!((other.scalar("cpus"), other.scalar("mem")), (2.0, 1024.0), "{node}");
        assert_eq!(other.ranges("ports"), [(31000, 32000)], "{node}");
    }
}

#[test]
fn a_users_file_is_laid_over_the_default_per_key() {
    let stack = stack(
        r#"
        [component.mesos-agent]
        image = "registry.example:5000/vendor/mesos-agent:1.12-rc1"
        args = ["--isolation=cgroups/cpu", "--work_dir=/x y"]
        env = { MESOS_LOGGING_LEVEL = "WARNING" }
        cmd = ["/usr/sbin/mesos-agent"]

        [component.mesos-master]
        env.MESOS_QUIET = "true"

        [agent]
        attributes = "rack:r1;level:10"

        [node.mesos-slave1]
        role = "ads"

        [node.mesos-slave3]
        resources = "cpus(ads):1;mem:512"
        "#,
    );
    assert_eq!(stack.name, "mine");
    assert_eq!(stack.files, ["fixtures/stacks/default.toml", "mine.toml"]);
    let agent = stack.component("mesos-agent").unwrap();
    let image = "registry.example:5000/vendor/mesos-agent:1.12-rc1";
    assert_eq!(agent.source, Source::Image(image.to_owned()));
    assert_eq!(agent.args, ["--isolation=cgroups/cpu", "--work_dir=/x y"]);
    assert_eq!(agent.cmd.as_deref(), Some(&["/usr/sbin/mesos-agent".to_owned()][..]));
    let master = stack.component("mesos-master").unwrap();
    assert_eq!(
        master.source,
        Source::Version("1.11.0".to_owned()),
        "not named by the user, so the default's"
    );
    assert_eq!(master.env["MESOS_QUIET"], "true");

    let (first, second, third) = (
        stack.agent_on("mesos-slave1"),
        stack.agent_on("mesos-slave2"),
        stack.agent_on("mesos-slave3"),
    );
    assert_eq!(first.resources.scalar("mem"), 2929.0, "the default's node entry stays");
    assert_eq!(first.role.as_deref(), Some("ads"));
    assert_eq!(second.role, None);
    assert_eq!(third.resources.to_string(), "cpus(ads):1;mem:512");
    assert_eq!(third.resources.entries()[0].role.as_deref(), Some("ads"));
    assert_eq!(
        third.attributes.entries()[0],
        ("rack".to_owned(), "r1".to_owned()),
        "from [agent]"
    );
}

#[test]
fn a_files_source_starts_at_the_stack_files_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("modules.json"), "{}").unwrap();
    let path = folder.path().join("mine.toml");
    let text = r#"
        [component.mesos-agent.files]
        "/etc/mesos/modules.json" = { source = "modules.json" }
        "/etc/mesos/note" = "text"
    "#;
    std::fs::write(&path, text).unwrap();
    let stack = Stack::load(Some(&path)).unwrap();
    let files = &stack.component("mesos-agent").unwrap().files;
    assert_eq!(
        files["/etc/mesos/modules.json"],
        FileSource::Path(folder.path().join("modules.json"))
    );
    assert_eq!(files["/etc/mesos/note"], FileSource::Content("text".to_owned()));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Stack::load(Some("no/such.toml".as_ref())).expect_err("there is no such file");
    assert_eq!(error.kind(), harness::Kind::Usage);
    insta::assert_snapshot!(error.explain(), @r#"
    the stack file no/such.toml cannot be read
      because: No such file or directory (os error 2)
    "#);
}

#[test]
fn not_toml() {
    insta::assert_snapshot!(mistake("[component.zookeeper]\nversion = 3.8.0\n"), @r#"
    mine.toml:2: invalid float, expected nothing
      expected: a TOML file
      evidence: version = 3.8.0
    "#);
}

#[test]
fn the_same_key_twice() {
    insta::assert_snapshot!(mistake("[agent]\nrole = \"a\"\nrole = \"b\"\n"), @r#"
    mine.toml:3: duplicate key
      expected: a TOML file
      evidence: role = "b"
    "#);
}

#[test]
fn unknown_top_level_key() {
    insta::assert_snapshot!(mistake("[components.zookeeper]\nversion = \"3.8.0\"\n"), @r#"
    mine.toml:1: components: unknown key
      expected: one of name, component, agent, node
      hint:     did you mean `component`?
    "#);
}

#[test]
fn unknown_component() {
    insta::assert_snapshot!(mistake("[component.mesos-slave]\nimage = \"x\"\n"), @r#"
    mine.toml:1: component.mesos-slave: unknown component
      expected: one of zookeeper, mesos-master, mesos-agent, marathon, mesos-dns, admin-router, haproxy, universe
      hint:     did you mean `mesos-agent`?
    "#);
}

#[test]
fn unknown_key_of_a_component() {
    insta::assert_snapshot!(mistake("\n[component.mesos-agent]\nverson = \"1.11.0\"\n"), @r#"
    mine.toml:3: component.mesos-agent.verson: unknown key
      expected: one of version, image, build, args, env, files, cmd
      hint:     did you mean `version`?
    "#);
}

#[test]
fn version_and_image() {
    let text = "[component.mesos-agent]\nversion = \"1.11.0\"\nimage = \"mine\"\n";
    insta::assert_snapshot!(mistake(text), @r#"
    mine.toml:3: component.mesos-agent: has both `version` and `image`
      expected: exactly one of them: `version` for an image built here, `image` for one of yours
    "#);
}

#[test]
fn a_folder_to_build_is_laid_over_a_version() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("agent")).unwrap();
    std::fs::write(folder.path().join("agent/Dockerfile"), "ARG BASE\nFROM ${BASE}\n").unwrap();
    let path = folder.path().join("mine.toml");
    for (version, expected) in [("", "1.11.0"), ("version = \"1.9.0\"\n", "1.9.0")] {
        std::fs::write(&path, format!("[component.mesos-agent]\nbuild = \"agent\"\n{version}")).unwrap();
        let stack = Stack::load(Some(&path)).unwrap();
        let expected = Source::Build {
            folder: folder.path().join("agent"),
            version: expected.to_owned(),
        };
        assert_eq!(stack.component("mesos-agent").unwrap().source, expected);
        let master = &stack.component("mesos-master").unwrap().source;
        assert_eq!(*master, Source::Version("1.11.0".to_owned()));
    }
}

#[test]
fn a_folder_to_build_has_no_dockerfile() {
    insta::assert_snapshot!(mistake("[component.zookeeper]\nbuild = \"no/such\"\n"), @r#"
    mine.toml:2: component.zookeeper.build: there is no no/such/Dockerfile
      expected: a folder with a Dockerfile; a relative path starts at the stack file's folder
    "#);
}

#[test]
fn build_and_image() {
    let text = "[component.mesos-agent]\nimage = \"mine\"\nbuild = \"no/such\"\n";
    insta::assert_snapshot!(mistake(text), @r#"
    mine.toml:3: component.mesos-agent: has both `build` and `image`
      expected: one of them: `build` for a folder of yours with a Dockerfile, `image` for one that is built
    "#);
}

#[test]
fn unknown_version() {
    insta::assert_snapshot!(mistake("[component.mesos-agent]\nversion = \"1.12.0\"\n"), @r#"
    mine.toml:2: component.mesos-agent.version: no image of mesos-agent 1.12.0 can be built here
      expected: one of 1.9.0, 1.10.0, 1.11.0; any other comes as an `image`
    "#);
}

#[test]
fn a_number_where_a_string_belongs() {
    insta::assert_snapshot!(mistake("[component.mesos-agent]\nversion = 1.11\n"), @r#"
    mine.toml:2: component.mesos-agent.version: is a float
      expected: a string
      hint:     write "1.11", in quotes
    "#);
}

#[test]
fn a_string_where_a_list_belongs() {
    insta::assert_snapshot!(mistake("[component.mesos-agent]\nargs = \"--quiet\"\n"), @r#"
    mine.toml:2: component.mesos-agent.args: is a string
      expected: a list of strings
    "#);
}

#[test]
fn a_boolean_in_the_environment() {
    insta::assert_snapshot!(mistake("[component.mesos-agent.env]\nMESOS_QUIET = true\n"), @r#"
    mine.toml:2: component.mesos-agent.env.MESOS_QUIET: is a boolean
      expected: a string
      hint:     write "true", in quotes
    "#);
}

#[test]
fn a_variables_name_is_none() {
    insta::assert_snapshot!(mistake("[component.mesos-agent.env]\n\"A=B\" = \"c\"\n"), @r#"
    mine.toml:2: component.mesos-agent.env.A=B: not a variable's name
      expected: a name without `=`
    "#);
}

#[test]
fn an_empty_file_changes_nothing_but_the_name() {
    let (empty, default) = (stack(""), Stack::load(None).unwrap());
    assert_eq!(empty.name, "mine");
    assert!(empty.components().eq(default.components()));
    assert_eq!(empty.agent_on("mesos-slave1"), default.agent_on("mesos-slave1"));
}

#[test]
fn a_string_where_a_table_belongs() {
    insta::assert_snapshot!(mistake("[component]\nzookeeper = \"3.8.0\"\n"), @r#"
    mine.toml:2: component.zookeeper: is a string
      expected: a table
    "#);
}

#[test]
fn a_files_path_is_relative() {
    insta::assert_snapshot!(mistake("[component.mesos-agent.files]\n\"etc/x\" = \"\"\n"), @r#"
    mine.toml:2: component.mesos-agent.files."etc/x": not a file's absolute path
      expected: a path as in "/etc/mesos/note"
    "#);
}

#[test]
fn a_files_source_is_not_there() {
    let text = "[component.mesos-agent.files]\n\"/etc/x\" = { source = \"no-such-file\" }\n";
    insta::assert_snapshot!(mistake(text), @r#"
    mine.toml:2: component.mesos-agent.files."/etc/x".source: there is no file no-such-file
      expected: a file; a relative path starts at the stack file's folder
    "#);
}

#[test]
fn a_files_table_without_its_source() {
    insta::assert_snapshot!(mistake("[component.mesos-agent.files]\n\"/etc/x\" = { path = \"y\" }\n"), @r#"
    mine.toml:2: component.mesos-agent.files."/etc/x".path: unknown key
      expected: `source`
      evidence: also mine.toml:2: component.mesos-agent.files."/etc/x": has no `source`; expected { source = "a file beside this one" }
    "#);
}

#[test]
fn a_program_of_nothing() {
    insta::assert_snapshot!(mistake("[component.mesos-agent]\ncmd = []\n"), @r#"
    mine.toml:2: component.mesos-agent.cmd: an empty list
      expected: the program to start, and its arguments
    "#);
}

#[test]
fn a_node_without_an_agent() {
    insta::assert_snapshot!(mistake("[node.mesos-master1]\nrole = \"a\"\n"), @r#"
    mine.toml:1: node.mesos-master1: not a node with an agent
      expected: a node that has an agent: mesos-slave1, mesos-slave2 … mesos-slave99
    "#);
}

#[test]
fn bad_resources() {
    insta::assert_snapshot!(mistake("[agent]\nresources = \"cpus=4;mem:1024\"\n"), @r#"
    mine.toml:2: agent.resources: "cpus=4" has a missing or an extra `:`
      expected: resources as the agent's --resources takes them: cpus:2;mem:1024;disk:10240;ports:[31000-32000]
    "#);
}

#[test]
fn bad_attributes() {
    insta::assert_snapshot!(mistake("[node.mesos-slave2]\nattributes = \"rack\"\n"), @r#"
    mine.toml:2: node.mesos-slave2.attributes: "rack" is not name:value
      expected: attributes as the agent's --attributes takes them: rack:r1;level:10
    "#);
}

#[test]
fn every_mistake_of_a_file_is_told_at_once() {
    let text = "colour = 1\n[agent]\nresource = \"cpus:1\"\nrole = \"two words\"\n";
    insta::assert_snapshot!(mistake(text), @r#"
    mine.toml:1: colour: unknown key
      expected: one of name, component, agent, node
      evidence: also mine.toml:3: agent.resource: unknown key; expected one of resources, attributes, role (did you mean `resources`?)
      evidence: also mine.toml:4: agent.role: "two words" is no role: it has white space in it; expected a role as the agent's --default_role takes it: `*`, `ads` or `eng/web`
    "#);
}

#[rstest]
#[case("Mine", "no image reference")]
#[case("", "no image reference")]
#[case("a b", "no image reference")]
#[case("name:", "no image reference")]
#[case("name@sha256:12", "no image reference")]
#[case("host:port/name", "no image reference")]
fn bad_image_references(#[case] image: &str, #[case] said: &str) {
    let text = format!("[component.zookeeper]\nimage = \"{image}\"\n");
    assert!(mistake(&text).contains(said), "{image}");
}

#[rstest]
#[case("name")]
#[case("name:1.0")]
#[case("folder/name")]
#[case("LOCALHOST:5000/name:Tag_1")]
#[case("name@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
fn good_image_references(#[case] image: &str) {
    let stack = stack(&format!("[component.zookeeper]\nimage = \"{image}\"\n"));
    assert_eq!(
        stack.component("zookeeper").unwrap().source,
        Source::Image(image.to_owned())
    );
}

#[rstest]
#[case("", "names no resource")]
#[case("cpus", "missing or an extra `:`")]
#[case("cpus:1:2", "missing or an extra `:`")]
#[case("cpus(ads:1", "unmatched parentheses")]
#[case("cpus(-x):1", "a dash starts a part")]
#[case("cpus(a/):1", "a slash starts it, ends it")]
#[case("cpus(a b):1", "white space")]
#[case("cpus:many", "no number, range or set")]
#[case("cpus:inf", "no number, range or set")]
#[case("cpus:-1", "is negative")]
#[case(":4", "missing or an extra `:`")]
#[case(" :4", "has no name")]
#[case("ports:31000-32000", "no number, range or set")]
#[case("ports:[31000]", "no range of two whole numbers")]
#[case("ports:[32000-31000]", "begins after its end")]
#[case("ports:[1-5,5-9]", "overlap")]
#[case("ports:[1-5", "no closing bracket")]
#[case("ports:5", "ports is a number, not ranges")]
#[case("mem:{a,b}", "mem is a set, not a number")]
#[case("x:{a,a}", "twice")]
#[case("x:1;x:{a}", "with different types")]
#[case("[{]", "starts as a JSON list")]
#[case(r#"[{"name": "cpus", "scalar": {"value": 1}}]"#, "no `type`")]
#[case(r#"[{"name": "cpus", "type": "SCALAR"}]"#, "no `scalar.value`")]
fn resources_that_an_agent_refuses(#[case] text: &str, #[case] said: &str) {
    let reason = Resources::parse(text).expect_err(text);
    assert!(reason.contains(said), "{text}: {reason}");
}

#[rstest]
#[case("cpus:0.5", "cpus", 0.5)]
#[case("cpus:1;cpus(ads):2", "cpus", 3.0)]
#[case(" cpus : 1 ; mem : 5 ;", "mem", 5.0)]
#[case("bananas:3", "bananas", 3.0)]
#[case(r#"[{"name": "mem", "type": "SCALAR", "scalar": {"value": 64}}]"#, "mem", 64.0)]
fn resources_that_an_agent_takes(#[case] text: &str, #[case] name: &str, #[case] amount: f64) {
    assert_eq!(Resources::parse(text).unwrap().scalar(name), amount);
}

#[test]
fn ranges_and_sets_are_read() {
    let resources = Resources::parse("ports:[8080-8080, 31000-32000];zones:{a, b}").unwrap();
    assert_eq!(resources.ranges("ports"), [(8080, 8080), (31000, 32000)]);
    let zones = Quantity::Set(vec!["a".to_owned(), "b".to_owned()]);
    assert_eq!(resources.entries()[1].quantity, zones);
}
