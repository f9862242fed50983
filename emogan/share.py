"""python -m emogan.share: train one generator on many people, and write it with a card on what it reveals of them."""

import hydra
from omegaconf import DictConfig

from emogan import command_line
from emogan.environment import config_dir, let_waiting_threads_sleep
from emogan.keys import check_keys

let_waiting_threads_sleep()


@hydra.main(version_base="1.3", config_path=config_dir(), config_name="share")
def main(cfg: DictConfig) -> None:
    with command_line.plain_errors():
        check_keys(cfg, "share")
        from emogan.jobs.sharing import share  # here, so that tab completion need not wait for torch

        share(cfg)


if __name__ == "__main__":
    command_line.run(main, explained="share")
