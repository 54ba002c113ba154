//! A task, as a text and as a block.

use crate::task::Task;

/// A text or a block. What is a task has one text, one block and one CID, whichever it came from.
pub fn task(input: &[u8]) {
    if let Ok(task) = Task::from_text(input) {
        same_everywhere(&task);
    }
    if let Ok(task) = Task::from_block(input) {
        assert_eq!(task.to_block().expect("it was one"), input);
        same_everywhere(&task);
    }
}

fn same_everywhere(task: &Task) {
    let text = task.to_text().expect("what was read can be written");
    let block = task.to_block().expect("what was read can be written");
    assert_eq!(Task::from_text(text.as_bytes()).as_ref(), Ok(task), "{text}");
    assert_eq!(Task::from_block(&block).as_ref(), Ok(task), "{text}");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "it steers a terminal: {text:?}");
}
