use std::fs;

use super::*;

/// A folder that is gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lines-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn output(&self, existing: Existing) -> Output {
        Output::File { path: self.0.join("rows"), existing }
    }

    fn holding(&self, text: &str, existing: Existing) -> Output {
        fs::write(self.0.join("rows"), text).unwrap();
        self.output(existing)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.0.join("rows")).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Takes so many bytes and then no more.
struct Small(usize);

impl Write for Small {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.0).min(7);
        self.0 -= count;
        if count == 0 { Err(ErrorKind::StorageFull.into()) } else { Ok(count) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn open(output: &Output) -> Lines {
    let mut lines = Lines::open(output, Role::Sink).unwrap();
    lines.begin().unwrap();
    lines
}

fn push(lines: &mut Lines, text: &str) {
    lines.push(false, |out| out.extend_from_slice(text.as_bytes())).unwrap();
}

#[test]
fn a_file_that_is_there_is_refused_with_advice() {
    let folder = Folder::new("refuse");
    let refused = Lines::open(&folder.holding("old\n", Existing::Refuse), Role::Late).unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("it is there already"), "{text}");
    assert!(text.contains("late.file.existing"), "{text}");
    assert_eq!(folder.text(), "old\n");
}

#[test]
fn appending_begins_a_line_of_its_own() {
    for (before, after) in [("", "new\n"), ("old\n", "old\nnew\n"), ("torn", "torn\nnew\n")] {
        let folder = Folder::new("append");
        let mut lines = open(&folder.holding(before, Existing::Append));
        push(&mut lines, "new");
        lines.flush().unwrap();
        assert_eq!(folder.text(), after);
        assert_eq!(lines.written(), Written { rows: 1, revisions: 0 });
    }
}

#[test]
fn a_file_is_emptied_only_once_everything_is_open() {
    let folder = Folder::new("truncate");
    let output = folder.holding("something long\n", Existing::Truncate);
    let mut lines = Lines::open(&output, Role::Sink).unwrap();
    assert_eq!(folder.text(), "something long\n");
    lines.begin().unwrap();
    push(&mut lines, "new");
    lines.flush().unwrap();
    assert_eq!(folder.text(), "new\n");
}

#[test]
fn a_failed_start_leaves_no_file_behind_but_never_takes_one_that_was_there() {
    let folder = Folder::new("abandon");
    open(&folder.output(Existing::Refuse)).abandon();
    assert!(!folder.0.join("rows").exists());
    open(&folder.holding("old\n", Existing::Append)).abandon();
    assert_eq!(folder.text(), "old\n");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let output = Output::File { path: "not/there/rows".into(), existing: Existing::Append };
    let text = Lines::open(&output, Role::Sink).unwrap_err().to_string();
    assert!(text.contains("not/there/rows") && text.contains("folder"), "{text}");
}

#[test]
fn a_partial_write_says_how_far_it_came() {
    for room in 0..30 {
        let (done, result) = write_all(&mut Small(room), b"twenty-five bytes in all.", usize::MAX, || Ok(()));
        assert_eq!(done, room.min(25));
        assert_eq!(result.is_ok(), room >= 25);
    }
}

#[test]
fn a_full_device_takes_no_rows_and_says_so() {
    let output = Output::File { path: "/dev/full".into(), existing: Existing::Append };
    let mut lines = open(&output);
    push(&mut lines, "row");
    let text = lines.flush().unwrap_err().to_string();
    assert_eq!(text, "no space is left for /dev/full; free some; 0 whole rows of this run are in it");
    assert_eq!(lines.written(), Written::default());
}

#[test]
fn cutting_back_leaves_what_was_there_before() {
    let folder = Folder::new("cut");
    let mut lines = open(&folder.holding("old\n", Existing::Append));
    push(&mut lines, "whole");
    lines.flush().unwrap();
    lines.file.write_all(b"half a r").unwrap();
    lines.cut_back(8).unwrap();
    assert_eq!(folder.text(), "old\nwhole\n");
    push(&mut lines, "next");
    lines.flush().unwrap();
    assert_eq!(folder.text(), "old\nwhole\nnext\n");
}

#[test]
fn rows_are_counted_when_they_are_written_not_when_they_are_buffered() {
    let folder = Folder::new("count");
    let mut lines = open(&folder.output(Existing::Refuse));
    lines.push(true, |out| out.push(b'x')).unwrap();
    assert_eq!(lines.written(), Written::default());
    lines.flush().unwrap();
    assert_eq!(lines.written(), Written { rows: 1, revisions: 1 });
}
