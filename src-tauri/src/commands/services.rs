//! Acting on services, and custom commands.

super::pass! {
    service_impact: ServiceImpactShow;
}

super::act! {
    service_act: ServiceAct;
    command_run: CommandRun;
}
