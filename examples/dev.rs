use kplay::*;
use std::sync::Arc;
struct R;
impl playbook::Renderer for R {
    fn render(
        &self,
        value: &value::Value,
        variables: &value::Dict,
    ) -> Result<value::Value, template::TemplateError> {
        template::Templar::new().render(
            value,
            &template::Scope {
                variables,
                outside: None,
                sources: None,
            },
        )
    }
}
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let sources = diag::SourceMap::default();
    let config = config::load(&config::Environment::of_process(), &sources).unwrap();
    let settings = Arc::new(config.settings);
    let vault = Arc::new(secrets::VaultSecrets::default());
    let dup = yaml::DuplicateKeys::from(&*settings);
    let reader = varfile::Reader {
        sources: &sources,
        vault: &vault,
        duplicates: dup,
    };
    let mut options = engine::Options {
        forks: 50,
        ..Default::default()
    };
    let mut inv = vec![];
    let mut pb = None;
    let mut it = args.iter();
    while let Some(a) = it.next() {
        match a.as_str() {
            "-i" => inv.push(it.next().unwrap().clone()),
            "-C" => options.check = true,
            "-D" => options.diff = true,
            _ => pb = Some(a.clone()),
        }
    }
    let loaded =
        inventory::load(&inv, &reader, &inventory::SourceOptions::from(&*settings)).unwrap();
    let loader = Arc::new(playbook::Loader::new(playbook::Options {
        sources: sources.clone(),
        files: Arc::new(playbook::SystemFiles),
        vault: vault.clone(),
        duplicates: dup,
        roles_path: settings.roles_path.clone(),
        collections_path: vec![],
        library: vec![],
        extra: Default::default(),
        private_role_vars: None,
        strict_keywords: false,
        renderer: Arc::new(R),
        templar: Arc::new(template::Templar::new()),
    }));
    let path = std::path::PathBuf::from(pb.unwrap());
    let l = loader.playbook(&path);
    for d in &l.diagnostics {
        println!(
            "DIAG {:?} {} {:?} {:?}",
            d.severity,
            d.headline,
            sources.place(d.span()),
            d.help
        );
    }
    let Some(playbook) = l.item else { return };
    let dirs = inventory::VarsDirectories {
        inventory: loaded
            .directories
            .iter()
            .map(|d| Arc::new(inventory::VarsDirectory::new(d)))
            .collect(),
        playbook: vec![Arc::new(inventory::VarsDirectory::new(
            path.parent().unwrap(),
        ))],
    };
    let site = engine::Site {
        options,
        settings,
        config_file: config.file,
        shown: config.shown,
        sources: sources.clone(),
        vault,
        inventory: loaded.inventory,
        directories: dirs,
        duplicates: dup,
        loader,
        playbooks: vec![playbook],
    };
    for d in engine::check(&site) {
        println!(
            "CHECK {:?} {} {:?}",
            d.severity,
            d.headline,
            sources.place(d.span())
        );
    }
    let rt = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (tx, mut rx) = tokio::sync::mpsc::unbounded_channel();
    let (_itx, irx) = tokio::sync::watch::channel(false);
    let end = rt.block_on(async {
        let h = tokio::spawn(async move {
            while let Some(e) = rx.recv().await {
                match e {
                    engine::events::Event::HostDone(r) => println!(
                        "  {:?} {} {} diag={:?}",
                        r.result.status,
                        r.host,
                        serde_json::to_string(
                            &value::Value::dict(r.result.value.clone()).to_json()
                        )
                        .unwrap()
                        .chars()
                        .take(600)
                        .collect::<String>(),
                        r.result
                            .diagnostic
                            .as_ref()
                            .map(|d| (d.headline.clone(), d.span()))
                    ),
                    engine::events::Event::TaskStarted(t) => println!("TASK {}", t.name),
                    engine::events::Event::HostStarted { .. } => {}
                    engine::events::Event::ItemDone { host, item, .. } => {
                        println!("   item {host} {:?} {:?}", item.status, item.label)
                    }
                    e => println!("{e:?}"),
                }
            }
        });
        let end = engine::run(site, tx, irx).await;
        h.await.unwrap();
        end
    });
    println!("{end:?}");
}
