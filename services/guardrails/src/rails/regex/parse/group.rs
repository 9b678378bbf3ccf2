//! What stands in parentheses: groups, looks around, conditions, comments, flags.

use super::{Parser, Problem, source::Token};
use crate::rails::regex::tree::{Flags, Look, Node};

/// What `(?` and the flags after it say.
enum Said {
    /// For the whole pattern.
    Global,
    /// For the group that begins.
    Scoped { on: Flags, off: Flags },
}

impl Parser {
    /// A group whose `(` is read; none where it is a comment or flags. `first` says that nothing stands before it.
    pub(super) fn group(&mut self, flags: Flags, depth: usize, first: bool) -> Result<Option<Node>, Problem> {
        let start = self.source.at() - 1;
        if !self.source.eat('?')? {
            return self.numbered(None, flags, depth, start).map(Some);
        }
        let c = match self.source.get()? {
            Some(Token::Plain(c)) => c,
            Some(Token::Escaped(_)) => return Err(Problem::invalid("unknown extension", start)),
            None => return Err(Problem::invalid("unexpected end of pattern", start)),
        };
        match c {
            'P' => self.python(flags, depth, start).map(Some),
            ':' => self.inside(flags, depth, start).map(Some),
            '>' => {
                let node = self.inside(flags, depth, start)?;
                Ok(Some(Node::Atomic(Box::new(node))))
            }
            '#' => {
                while self.source.peek().is_some() {
                    if self.source.get()? == Some(Token::Plain(')')) {
                        return Ok(None);
                    }
                }
                Err(Problem::invalid("missing ), unterminated comment", start))
            }
            '=' | '!' | '<' => self.look(c, flags, depth, start).map(Some),
            '(' => self.condition(flags, depth, start).map(Some),
            _ if c == '-' || flag(c).is_some() => match self.flags(c, start)? {
                Said::Global if first => Ok(None),
                Said::Global => {
                    Err(Problem::invalid("global flags not at the start of the expression", start))
                }
                // CPython may look for the first character by the flag of the whole pattern (`_compile_info`).
                Said::Scoped { on, .. }
                    if on.has(Flags::ASCII.with(Flags::UNICODE))
                        && on.has(Flags::ASCII) != flags.has(Flags::ASCII) =>
                {
                    let what = "a group with another one of the flags a and u";
                    Err(Problem::unsupported(what, start))
                }
                Said::Scoped { on, off } => self.inside(flags.with(on).without(off), depth, start).map(Some),
            },
            _ => Err(Problem::invalid("unknown extension", start)),
        }
    }

    /// The rest of a group, with its `)`.
    fn inside(&mut self, flags: Flags, depth: usize, start: usize) -> Result<Node, Problem> {
        let node = self.choice(flags, depth + 1)?;
        self.close(start)?;
        Ok(node)
    }

    fn close(&mut self, start: usize) -> Result<(), Problem> {
        let closed = self.source.eat(')')?;
        if closed { Ok(()) } else { Err(Problem::invalid("missing ), unterminated subpattern", start)) }
    }

    fn numbered(
        &mut self,
        name: Option<String>,
        flags: Flags,
        depth: usize,
        start: usize,
    ) -> Result<Node, Problem> {
        let group = self.groups.len();
        self.groups.push(None);
        if let Some(name) = name
            && self.names.insert(name, group).is_some()
        {
            return Err(Problem::invalid("redefinition of group name", start));
        }
        let node = self.inside(flags, depth, start)?;
        let width = node.width(&self.groups);
        if let Some(open) = self.groups.get_mut(group) {
            *open = Some(width);
        }
        Ok(Node::Group(group, Box::new(node)))
    }

    /// `(?P<name>…)` or `(?P=name)`.
    fn python(&mut self, flags: Flags, depth: usize, start: usize) -> Result<Node, Problem> {
        if self.source.eat('<')? {
            let name = self.source.until('>')?;
            identifier(&name, start)?;
            return self.numbered(Some(name), flags, depth, start);
        }
        if !self.source.eat('=')? {
            return Err(Problem::invalid("unknown extension", start));
        }
        let name = self.source.until(')')?;
        identifier(&name, start)?;
        let group = *self.names.get(&name).ok_or(Problem::invalid("unknown group name", start))?;
        self.same(group, start, flags)
    }

    /// A reference to what a group matched.
    pub(super) fn same(&mut self, group: usize, start: usize, flags: Flags) -> Result<Node, Problem> {
        if self.groups.get(group).copied().flatten().is_none() {
            return Err(Problem::invalid("cannot refer to an open group", start));
        }
        self.seen_behind(group, start)?;
        Ok(Node::Same(group, flags.fold()))
    }

    /// A look behind knows nothing of groups that are in it.
    fn seen_behind(&self, group: usize, start: usize) -> Result<(), Problem> {
        let Some(groups) = self.behind else { return Ok(()) };
        if self.groups.get(group).copied().flatten().is_none() {
            return Err(Problem::invalid("cannot refer to an open group", start));
        }
        if group >= groups {
            let what = "cannot refer to group defined in the same lookbehind subpattern";
            return Err(Problem::invalid(what, start));
        }
        Ok(())
    }

    fn look(&mut self, c: char, flags: Flags, depth: usize, start: usize) -> Result<Node, Problem> {
        let mut c = c;
        let behind = c == '<';
        let outer = self.behind;
        if behind {
            c = match self.source.get()? {
                Some(Token::Plain(c @ ('=' | '!'))) => c,
                Some(_) => return Err(Problem::invalid("unknown extension", start)),
                None => return Err(Problem::invalid("unexpected end of pattern", start)),
            };
            self.behind = outer.or(Some(self.groups.len()));
        }
        let node = self.choice(flags, depth + 1)?;
        self.behind = outer;
        self.close(start)?;
        let width = node.width(&self.groups);
        let fixed = usize::try_from(width.min).ok().filter(|_| width.min == width.max);
        if behind && fixed.is_none() {
            return Err(Problem::invalid("look-behind requires fixed-width pattern", start));
        }
        let behind = fixed.filter(|_| behind);
        Ok(Node::Look(Look { behind, negative: c == '!', node: Box::new(node) }))
    }

    /// `(?(group)yes|no)`.
    fn condition(&mut self, flags: Flags, depth: usize, start: usize) -> Result<Node, Problem> {
        let name = self.source.until(')')?;
        let group = if name.bytes().all(|b| b.is_ascii_digit()) {
            match name.parse::<usize>().unwrap_or(usize::MAX) {
                0 => return Err(Problem::invalid("bad group number", start)),
                group => group,
            }
        } else {
            identifier(&name, start)?;
            *self.names.get(&name).ok_or(Problem::invalid("unknown group name", start))?
        };
        self.conditions.push((group, start));
        self.seen_behind(group, start)?;
        let yes = self.sequence(flags, depth + 1, false)?;
        let no = if self.source.eat('|')? {
            let no = self.sequence(flags, depth + 1, false)?;
            if self.source.sees('|') {
                return Err(Problem::invalid("conditional backref with more than two branches", start));
            }
            no
        } else {
            Node::Sequence(Vec::new())
        };
        self.close(start)?;
        Ok(Node::IfGroup(group, Box::new(yes), Box::new(no)))
    }

    /// Flags, of which `c` is read.
    fn flags(&mut self, c: char, start: usize) -> Result<Said, Problem> {
        let wrong = |what| Problem::invalid(what, start);
        let (mut on, mut off) = (Flags::default(), Flags::default());
        let mut c = c;
        while c != '-' && c != ':' && c != ')' {
            on = on.with(flag(c).ok_or(wrong("unknown flag"))?);
            if matches!(c, 'L' | 't') {
                return Err(wrong("bad inline flags: cannot use this flag"));
            }
            if on.has(Flags::ASCII) && on.has(Flags::UNICODE) {
                return Err(wrong("bad inline flags: flags 'a', 'u' and 'L' are incompatible"));
            }
            c = self.flag_or_end(start)?;
        }
        if c == ')' {
            self.global = self.global.with(on);
            if self.global.has(Flags::ASCII) && self.global.has(Flags::UNICODE) {
                return Err(wrong("ASCII and UNICODE flags are incompatible"));
            }
            return Ok(Said::Global);
        }
        if c == '-' {
            c = self.flag_or_end(start)?;
            if c == ':' {
                return Err(wrong("missing flag"));
            }
            while c != ':' {
                let flag = flag(c).ok_or(wrong("unknown flag"))?;
                if matches!(c, 'a' | 'u' | 'L' | 't') {
                    return Err(wrong("bad inline flags: cannot turn off this flag"));
                }
                off = off.with(flag);
                c = self.flag_or_end(start)?;
            }
        }
        if on.has(off) {
            Err(wrong("bad inline flags: flag turned on and off"))
        } else {
            Ok(Said::Scoped { on, off })
        }
    }

    fn flag_or_end(&mut self, start: usize) -> Result<char, Problem> {
        match self.source.get()? {
            Some(Token::Plain(c)) => Ok(c),
            _ => Err(Problem::invalid("missing -, : or )", start)),
        }
    }
}

/// The flag of a letter. `L` is for bytes only, and `t` is gone from Python 3.13: both are refused where they stand.
fn flag(c: char) -> Option<Flags> {
    Some(match c {
        'i' => Flags::IGNORE_CASE,
        'm' => Flags::MULTILINE,
        's' => Flags::DOT_ALL,
        'x' => Flags::VERBOSE,
        'a' => Flags::ASCII,
        'u' => Flags::UNICODE,
        'L' | 't' => Flags::default(),
        _ => return None,
    })
}

fn identifier(name: &str, start: usize) -> Result<(), Problem> {
    if !name.is_ascii() {
        return Err(Problem::unsupported("a group's name that is not ASCII", start));
    }
    let good = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if good && !name.starts_with(|c: char| c.is_ascii_digit()) {
        Ok(())
    } else {
        Err(Problem::invalid("bad character in group name", start))
    }
}
