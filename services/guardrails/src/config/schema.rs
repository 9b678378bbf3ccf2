//! The whole configuration from its files: each read strictly, merged as NeMo does, then checked together.
//!
//! NeMo concatenates `models`, `prompts` and `instructions` of all files and lets the last file's `rails`
//! replace the others' without a word. Here a key that would be replaced stops the load.

use super::{
    Config, Flow, Judges, LoadError, REFUSAL, colang, files,
    flows::Direction,
    keys,
    models::{self, Model},
    prompts::{self, Prompt},
    rails::{self, Rails},
    table::Field,
};
use crate::yaml::{self, Node};

const KNOWN: &[&str] = &[
    "models",
    "instructions",
    "sample_conversation",
    "prompts",
    "rails",
    "colang_version",
    "lowest_temperature",
    "passthrough",
    "enable_rails_exceptions",
    "enable_multi_step_generation",
    "streaming",
];
/// Keys whose lists are concatenated over the files.
const JOINED: &[&str] = &["models", "instructions", "prompts"];

/// What the files said, before the checks that need all of it.
#[derive(Default)]
struct Draft<'a> {
    /// The judges of a caller's configuration; the operator's own may ask any.
    judges: Option<&'a Judges>,
    models: Vec<Model>,
    instructions: Vec<String>,
    sample: Option<String>,
    prompts: Vec<Prompt>,
    rails: Rails,
    colang_two: bool,
    temperature: Option<f64>,
    passthrough: bool,
    /// Each key that may stand in one file only, and where it does.
    seen: Vec<(String, String)>,
}

pub(crate) fn load(given: &[files::File], judges: Option<&Judges>) -> Result<Config, LoadError> {
    let sorted = files::sorted(given)?;
    let mut draft = Draft { judges, ..Draft::default() };
    let mut any = false;
    for (file, text, _) in sorted.iter().filter(|(_, _, kind)| *kind == files::Kind::Yaml) {
        let root = yaml::parse(text).map_err(|e| LoadError::new(&file.path, e.line, e.problem))?;
        if let Some(root) = root {
            any |= !empty(&root);
            draft.read(&file.path, &root)?;
        }
    }
    if !any {
        return Err(LoadError::new("config.yml", None, "there is no configuration in the files"));
    }
    let mut refusal = None;
    for (file, text, _) in sorted.iter().filter(|(_, _, kind)| *kind == files::Kind::Colang) {
        let said = colang::read(&file.path, text, draft.colang_two)?;
        draft.colang(&file.path, said, &mut refusal)?;
    }
    draft.check()?;
    Ok(draft.finish(files::id(&sorted), refusal.map(|(text, _)| text)))
}

fn empty(root: &Node) -> bool {
    Field { file: "", path: String::new(), line: 1, node: root }.null()
}

impl Draft<'_> {
    fn read(&mut self, file: &str, root: &Node) -> Result<(), LoadError> {
        if empty(root) {
            return Ok(());
        }
        let root = Field { file, path: String::new(), line: root.line, node: root };
        if !matches!(root.node.value, yaml::Value::Mapping(_)) {
            return Err(root.error("the file must be a mapping of keys"));
        }
        let top = root.table(KNOWN, keys::TOP)?;
        for (key, field) in top.fields() {
            if !JOINED.contains(&key) {
                if let Some((_, other)) = self.seen.iter().find(|(seen, _)| seen == key) {
                    return Err(field.error(format!(
                        "key {key} is already in {other}, and NeMo would use only one of them"
                    )));
                }
                self.seen.push((key.to_owned(), format!("{file}:{}", field.line)));
            }
            self.key(key, &field)?;
        }
        Ok(())
    }

    fn key(&mut self, key: &str, field: &Field<'_>) -> Result<(), LoadError> {
        match key {
            "models" => models::read(field, self.judges, &mut self.models)?,
            "instructions" => self.instructions(field)?,
            "sample_conversation" => self.sample = Some(field.text()?),
            "prompts" => prompts::read(field, &mut self.prompts)?,
            "rails" => self.rails = rails::read(field)?,
            "colang_version" => self.colang_two = version(field)?,
            "lowest_temperature" => self.temperature = Some(field.number(0.0, 2.0)?),
            "passthrough" => self.passthrough = field.boolean()?,
            "streaming" => field.must_be_false("a rail judges a whole text")?,
            "enable_rails_exceptions" => {
                field.must_be_false("a blocked message is answered with the refusal")?
            }
            _ => field.must_be_false("dialog rails are not run")?,
        }
        Ok(())
    }

    fn instructions(&mut self, field: &Field<'_>) -> Result<(), LoadError> {
        for item in field.list(16)? {
            let table = item.table(&["type", "content"], &[])?;
            let kind = table.need("type")?;
            if kind.text()? != "general" {
                return Err(kind.error(format!("{} can only be general", kind.path)));
            }
            self.instructions.push(table.need("content")?.text()?);
        }
        Ok(())
    }

    /// Adds what a Colang file says. Flows are in YAML or in Colang, not in both.
    fn colang(
        &mut self,
        file: &str,
        said: colang::Said,
        refusal: &mut Option<(String, String)>,
    ) -> Result<(), LoadError> {
        if let Some((text, line)) = said.refusal {
            let here = format!("{file}:{line}");
            if let Some((_, there)) = refusal.replace((text, here)) {
                return Err(LoadError::new(
                    file,
                    line,
                    format!("`bot refuse to respond` is already in {there}"),
                ));
            }
        }
        for (flows, direction, line) in said.rails {
            let (mine, key) = match direction {
                Direction::Input => (&mut self.rails.input, "input"),
                Direction::Output => (&mut self.rails.output, "output"),
            };
            if !mine.is_empty() {
                return Err(LoadError::new(
                    file,
                    line,
                    format!("`flow {key} rails`: rails.{key}.flows already lists flows"),
                ));
            }
            mine.extend(flows);
        }
        Ok(())
    }

    fn runs(&self, flow: Flow) -> bool {
        self.rails.input.iter().chain(&self.rails.output).any(|run| run.flow == flow)
    }

    /// Everything a flow needs is there, and everything that is there is used by a flow.
    fn check(&self) -> Result<(), LoadError> {
        for run in self.rails.input.iter().chain(&self.rails.output) {
            let name = run.flow.name();
            let missing =
                |what: &str| Err(LoadError::new(&run.file, run.line, format!("flow `{name}` needs {what}")));
            match run.flow {
                Flow::RegexCheckInput if self.rails.input_patterns.is_none() => {
                    return missing("rails.config.regex_detection.input.patterns");
                }
                Flow::RegexCheckOutput if self.rails.output_patterns.is_none() => {
                    return missing("rails.config.regex_detection.output.patterns");
                }
                Flow::SelfCheckInput | Flow::SelfCheckOutput => {
                    let task = prompts::task(run.flow);
                    if !self.prompts.iter().any(|p| p.flow == run.flow) {
                        return missing(&format!("a prompt with task {task}"));
                    }
                    if !self.models.iter().any(|m| m.kind == "main" || m.kind == task) {
                        return missing(&format!("a model of type {task} or main"));
                    }
                }
                _ => {}
            }
        }
        self.unused()
    }

    fn unused(&self) -> Result<(), LoadError> {
        let off = |place: &(String, usize), key: &str, flow: &str| {
            Err(LoadError::new(
                &place.0,
                place.1,
                format!("{key} is set, but `{flow}` is not among the flows: the rail would be off"),
            ))
        };
        let patterns = [
            (&self.rails.input_patterns, "rails.config.regex_detection.input", Flow::RegexCheckInput),
            (&self.rails.output_patterns, "rails.config.regex_detection.output", Flow::RegexCheckOutput),
        ];
        for (patterns, key, flow) in patterns {
            if let Some((_, place)) = patterns.as_ref().filter(|_| !self.runs(flow)) {
                return off(place, key, flow.name());
            }
        }
        for prompt in &self.prompts {
            if !self.runs(prompt.flow) {
                return off(
                    &prompt.place,
                    &format!("a prompt with task {}", prompts::task(prompt.flow)),
                    prompt.flow.name(),
                );
            }
        }
        for model in &self.models {
            let flow = [Flow::SelfCheckInput, Flow::SelfCheckOutput]
                .into_iter()
                .find(|f| prompts::task(*f) == model.kind);
            if let Some(flow) = flow.filter(|flow| !self.runs(*flow)) {
                return off(&model.place, &format!("a model of type {}", model.kind), flow.name());
            }
        }
        let email = self.rails.output.iter().any(|run| run.flow.email());
        match &self.rails.limits_place {
            Some(place) if !email => off(place, "rails.config.email", "email check …"),
            _ => Ok(()),
        }
    }

    fn finish(self, id: String, refusal: Option<String>) -> Config {
        let sample = self.sample.map(|s| format!("An example of a conversation:\n{s}"));
        let system: Vec<String> = self.instructions.into_iter().chain(sample).collect();
        let system = (!self.passthrough && !system.is_empty()).then(|| system.join("\n\n"));
        Config {
            id,
            input: self.rails.input.into_iter().map(|run| run.flow).collect(),
            output: self.rails.output.into_iter().map(|run| run.flow).collect(),
            models: self.models,
            prompts: self.prompts,
            system,
            refusal: refusal.unwrap_or_else(|| REFUSAL.to_owned()),
            temperature: self.temperature,
            input_patterns: self.rails.input_patterns.map(|(p, _)| p).unwrap_or_default(),
            output_patterns: self.rails.output_patterns.map(|(p, _)| p).unwrap_or_default(),
            limits: self.rails.limits,
        }
    }
}

/// Whether it is Colang 2.
fn version(field: &Field<'_>) -> Result<bool, LoadError> {
    match field.text()?.as_str() {
        "1.0" => Ok(false),
        "2.x" => Ok(true),
        _ => Err(field.error("colang_version can only be \"1.0\" or \"2.x\"")),
    }
}
