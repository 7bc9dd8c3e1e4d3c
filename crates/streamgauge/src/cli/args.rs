//! The arguments, as typed.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use clap_complete::Shell;

use crate::LogFormat;
use crate::catalogue::CatalogueFormat;

/// Exact event-time aggregates of LLM traffic, from one binary that shows what it does.
#[derive(Debug, Parser)]
#[command(
    name = "streamgauge",
    version,
    after_help = "Example:\n  streamgauge init > streamgauge.yaml && streamgauge run --config streamgauge.yaml"
)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub(super) enum Command {
    /// Writes a commented configuration to begin with
    #[command(after_help = "Example:\n  streamgauge init --output streamgauge.yaml")]
    Init {
        /// Writes to this file, which must not be there yet, instead of standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Reads the source and writes rows until the input ends or a signal comes
    #[command(
        after_help = "Example:\n  streamgauge run --config streamgauge.yaml --report report.json --set source.file.speed=60"
    )]
    Run(RunArgs),
    /// Names everything that is wrong with configuration files
    #[command(after_help = "Example:\n  streamgauge check-config streamgauge.yaml")]
    CheckConfig {
        /// The files to judge
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Names everything that is wrong with web.config.yml files, and with the files that they name
    #[command(after_help = "Example:\n  streamgauge check-web-config web.config.yml")]
    CheckWebConfig {
        /// The files to judge
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Prints the effective configuration as YAML, or its JSON Schema
    #[command(after_help = "Example:\n  streamgauge config --config streamgauge.yaml")]
    Config(ConfigArgs),
    /// Looks at a durable state, without taking it over
    #[command(subcommand, after_help = "Example:\n  streamgauge state verify --config streamgauge.yaml")]
    State(StateCommand),
    /// Lists every metric that this binary can export
    #[command(after_help = "Example:\n  streamgauge catalogue --format markdown")]
    Catalogue {
        /// How to write it
        #[arg(long, value_enum, default_value_t = CatalogueFormat::Json)]
        format: CatalogueFormat,
    },
    /// Writes a completion script for a shell
    #[command(after_help = "Example:\n  streamgauge completions bash > /etc/bash_completion.d/streamgauge")]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub(super) enum StateCommand {
    /// Says what is in it: size, epochs, watermark, keys, how far inputs and outputs are
    #[command(after_help = "Example:\n  streamgauge state inspect --config streamgauge.yaml")]
    Inspect {
        #[command(flatten)]
        of: StateArgs,
        /// How to write it
        #[arg(long, value_enum, default_value_t = StateFormat::Text)]
        format: StateFormat,
    },
    /// Reads every byte of it; exit code 1, and the place, if one is not what was written
    #[command(after_help = "Example:\n  streamgauge state verify --config streamgauge.yaml")]
    Verify {
        #[command(flatten)]
        of: StateArgs,
    },
}

/// Which state.
#[derive(Debug, ClapArgs)]
pub(super) struct StateArgs {
    /// The configuration file that names it
    #[arg(long, value_name = "FILE", required_unless_present = "path")]
    pub(super) config: Option<PathBuf>,
    /// Replaces a value of the configuration; may be repeated
    #[arg(long, value_name = "DOTTED.PATH=YAML", requires = "config", allow_hyphen_values = true)]
    pub(super) set: Vec<String>,
    /// Its folder, where there is no configuration
    #[arg(long, value_name = "FOLDER", conflicts_with = "config")]
    pub(super) path: Option<PathBuf>,
}

/// How a state is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum StateFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Which configuration, and what is changed in it.
#[derive(Debug, ClapArgs)]
pub(super) struct Configuration {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// Replaces a value of the configuration; may be repeated
    #[arg(long, value_name = "DOTTED.PATH=YAML", allow_hyphen_values = true)]
    pub(super) set: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) configuration: Configuration,
    /// Writes the account of the run to this file as JSON at the end
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// On a signal, closes open windows and prints their rows
    #[arg(long)]
    pub(super) drain: bool,
    /// How log lines are written to standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(super) log_format: LogFormat,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ConfigArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", required_unless_present = "schema")]
    pub(super) config: Option<PathBuf>,
    /// Replaces a value of the configuration; may be repeated
    #[arg(long, value_name = "DOTTED.PATH=YAML", requires = "config", allow_hyphen_values = true)]
    pub(super) set: Vec<String>,
    /// Prints the JSON Schema of the configuration instead
    #[arg(long, conflicts_with = "config")]
    pub(super) schema: bool,
}
