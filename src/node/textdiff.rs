//! How two texts differ, line by line, as people read it: removed, added, and a little of what is around.
//! Bounded: what is very long or no text is only said to differ.
//! Not here: where the texts come from.

/// Lines around a change.
const CONTEXT: usize = 2;
/// A table of this many cells is made in a moment.
const MOST_CELLS: usize = 4_000_000;
/// What a person still reads.
const MOST_LINES: usize = 200;

/// What must be done to `old` to become `new`; none where either is no text.
pub(super) fn diff(old: &[u8], new: &[u8]) -> Option<String> {
    let text = |bytes| std::str::from_utf8(bytes).ok().filter(|text: &&str| !text.contains('\0'));
    let (old, new): (Vec<&str>, Vec<&str>) = (text(old)?.lines().collect(), text(new)?.lines().collect());
    let before = old.iter().zip(&new).take_while(|(left, right)| left == right).count();
    let (rest_old, rest_new) = (&old[before..], &new[before..]);
    let after = rest_old.iter().rev().zip(rest_new.iter().rev()).take_while(|(left, right)| left == right).count();
    let (middle_old, middle_new) = (&rest_old[..rest_old.len() - after], &rest_new[..rest_new.len() - after]);
    let mut lines: Vec<(char, &str)> = old[..before].iter().map(|line| (' ', *line)).collect();
    lines.extend(changes(middle_old, middle_new));
    lines.extend(rest_old[rest_old.len() - after..].iter().map(|line| (' ', *line)));
    Some(near_changes(&lines))
}

/// The shortest way from one to the other.
fn changes<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(char, &'a str)> {
    let all = |sign, lines: &[&'a str]| lines.iter().map(|line| (sign, *line)).collect::<Vec<_>>();
    if old.len().saturating_mul(new.len()) > MOST_CELLS {
        return [all('-', old), all('+', new)].concat();
    }
    // common[i][j]: lines that are in both from i and from j on.
    let width = new.len() + 1;
    let mut common = vec![0u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = match old[i] == new[j] {
                true => common[(i + 1) * width + j + 1] + 1,
                false => common[(i + 1) * width + j].max(common[i * width + j + 1]),
            };
        }
    }
    let (mut i, mut j, mut found) = (0, 0, Vec::new());
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            found.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if common[(i + 1) * width + j] >= common[i * width + j + 1] {
            found.push(('-', old[i]));
            i += 1;
        } else {
            found.push(('+', new[j]));
            j += 1;
        }
    }
    found.extend(all('-', &old[i..]));
    found.extend(all('+', &new[j..]));
    found
}

fn near_changes(lines: &[(char, &str)]) -> String {
    let changed: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].0 != ' ').collect();
    let near = |at: usize| {
        let next = changed.partition_point(|change| change + CONTEXT < at);
        changed.get(next).is_some_and(|change| *change <= at + CONTEXT)
    };
    let (mut text, mut shown, mut skipped) = (String::new(), 0, false);
    for (at, (sign, line)) in lines.iter().enumerate() {
        if !near(at) {
            skipped = true;
            continue;
        }
        if shown == MOST_LINES {
            text += "… and more\n";
            break;
        }
        if skipped && shown > 0 {
            text += "…\n";
        }
        (skipped, shown) = (false, shown + 1);
        text += format!("{sign} {line}").trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Option<String> {
        let (old, new) = text.split_once('|').unwrap();
        diff(old.replace(' ', "\n").as_bytes(), new.replace(' ', "\n").as_bytes())
    }

    #[test]
    fn what_changed_is_shown_with_a_little_around() {
        let found = lines("a b c d e f g h i j k|a b c D e f g h i k").unwrap();
        assert_eq!(found, "  b\n  c\n- d\n+ D\n  e\n  f\n…\n  h\n  i\n- j\n  k\n");
        assert_eq!(lines("a|a").unwrap(), "");
        assert_eq!(lines("|a").unwrap(), "+ a\n");
        assert_eq!(diff(b"\0", b"a"), None);
        assert_eq!(diff(b"a", b"\xff"), None);
    }

    #[test]
    fn a_long_difference_is_cut() {
        let old: String = (0..5000).map(|number| format!("old {number}\n")).collect();
        let found = diff(old.as_bytes(), old.replace("old", "new").as_bytes()).unwrap();
        assert!(found.lines().count() == MOST_LINES + 1 && found.ends_with("… and more\n"));
    }
}
