"""The placeholders of the summary template."""

from __future__ import annotations

PLACEHOLDERS: tuple[str, ...] = (
    # 1) Intro / Snapshot
    "run_id", "experiment_name", "custom_name_or_leg", "game", "algorithm", "preset", "status", "start_time",
    "end_time_or_in_progress", "duration_h", "current_timestep", "total_timesteps", "progress_pct",
    "best_reward", "final_reward", "convergence_timestep",
    # 2) Outcomes
    "rew_10", "rew_25", "rew_50", "rew_75", "rew_100", "milestone_trend_note", "solved_flag",
    # 3) Training Efficiency
    "avg_fps", "min_fps", "max_fps", "sps_trend_note", "eta_note", "pause_count", "pause_time_h",
    # 4) Resource Profile
    "gpu_avg", "gpu_max", "vram_avg", "vram_max", "cpu_avg", "cpu_max", "mem_avg", "mem_max",
    "resource_bottleneck_note",
    # 5) Learning Dynamics & Stability
    "policy_loss_trend", "value_loss_trend", "entropy_loss_trend", "kl_note", "explained_variance_note",
    "reward_trend_note", "backward_jump_count", "metric_gap_note", "reward_cliff_note",
    "error_summary_if_failed",
    # 6) Config Highlights
    "eval_freq", "save_freq", "n_envs", "frame_stack", "action_repeat", "learning_rate", "batch_size",
    "n_steps", "gamma", "device", "seed", "custom_params_note",
    # 7) Artifacts
    "model_path", "log_path", "tensorboard_path", "video_artifacts_paths", "training_videos_summary",
    "video_generation_status",
    # 8) Lineage / Comparison
    "base_run_id", "leg_number", "lineage_diff_note", "reward_delta", "fps_delta", "config_delta_list",
    # 9) Next Actions
    "go_no_go", "recommendations",
)  # fmt: skip
"""Every placeholder of the summary template, in its order. A run page and run.json hold each of them."""
